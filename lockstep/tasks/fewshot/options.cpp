#include "lockstep/tasks/fewshot/options.h"

#include <algorithm>
#include <cmath>

#include "lockstep/base/comma_list.h"
#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::tasks::fewshot {
namespace {

constexpr std::int64_t kStride = 32;

void check_side(const char* flag, std::int64_t side) {
  if (side < kStride || side % kStride != 0) {
    throw UsageError(
        text(flag, " ", side, " does not suit the network"),
        text("give a multiple of ", kStride, ", such as ", (std::max<std::int64_t>(side, 0) / kStride + 1) * kStride));
  }
}

void check_count(const char* flag, std::int64_t count) {
  if (count < 1) {
    throw UsageError(text(flag, " ", count, " is no number of them"), "give at least 1");
  }
}

void check_loss_share(const char* flag, double weight) {
  if (!(weight >= 0 && std::isfinite(weight))) {
    throw UsageError(text(flag, " ", weight, " is no weight"), "give a number, at least 0");
  }
}

}  // namespace

data::ClassSplitOptions Options::class_split() const {
  data::ClassSplitOptions split;
  split.novel_classes = split_at_commas(novel_classes);
  std::erase(split.novel_classes, "");
  split.novel_fraction = novel_fraction.value_or(split.novel_fraction);
  split.class_seed = class_seed;
  return split;
}

data::EpisodeOptions Options::episodes_of(std::size_t classes) const {
  return {.n_way = std::min(static_cast<std::size_t>(n_way), classes),
          .k_shot = static_cast<std::size_t>(k_shot),
          .queries_per_class = static_cast<std::size_t>(queries_per_class)};
}

void Options::validate() const {
  if (dataset_path.empty()) {
    throw UsageError("--dataset-path is missing", "give the folder of the images with boxes");
  }
  check_side("--img-size", image_size);
  check_side("--support-size", support_size);
  check_count("--n-way", n_way);
  check_count("--k-shot", k_shot);
  check_count("--queries-per-class", queries_per_class);
  check_count("--episodes-per-epoch", episodes_per_epoch);
  check_count("--evaluation-episodes", evaluation_episodes);
  if (!novel_classes.empty() && novel_fraction) {
    throw UsageError("--novel-fraction has no effect where --novel-classes names them", "give one of the two");
  }
  check_loss_share("--objectness-weight", loss.objectness);
  check_loss_share("--box-weight", loss.boxes);
  check_loss_share("--matching-weight", loss.matching);
  check_loss_share("--refinement-weight", loss.refinement);
  class_split().validate();
  episodes_of(static_cast<std::size_t>(n_way)).validate();
  network.validate();
}

}  // namespace lockstep::tasks::fewshot
