#include "lockstep/tasks/surface/options.h"

#include <charconv>
#include <cmath>

#include "lockstep/base/comma_list.h"
#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/data/byte_count.h"
#include "lockstep/data/volume_folders.h"

namespace lockstep::tasks::surface {
namespace {

/// Whether kernels leave an axis out at first, since the patch is short along it: its voxels are longer there.
bool is_anisotropic(const models::Extent& patch) {
  const models::Extent kernel = models::plan_unet({.patch = patch}).front().kernel;
  return kernel != models::Extent{3, 3, 3};
}

data::Symmetries symmetries_of(const std::string& name, const models::Extent& patch) {
  if (name == "auto") {
    return is_anisotropic(patch) ? data::Symmetries::kInPlane : data::Symmetries::kAll;
  }
  if (name == "all") {
    return data::Symmetries::kAll;
  }
  if (name == "in-plane") {
    return data::Symmetries::kInPlane;
  }
  if (name == "flips") {
    return data::Symmetries::kFlips;
  }
  if (name == "none") {
    return data::Symmetries::kNone;
  }
  throw UsageError(text("--symmetries '", name, "' is not known"), "give auto, all, in-plane, flips or none");
}

void check_loss_weight(const char* flag, double weight) {
  if (!(weight >= 0 && std::isfinite(weight))) {
    throw UsageError(text(flag, " ", weight, " is no weight"), "give a number, at least 0");
  }
}

}  // namespace

models::Extent Options::patch() const {
  const std::vector<std::string> words = split_at_commas(patch_size);
  models::Extent patch{};
  bool is_understood = words.size() == patch.size();
  for (std::size_t axis = 0; is_understood && axis < patch.size(); ++axis) {
    const std::string& word = words[axis];
    const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), patch[axis]);
    is_understood = error == std::errc() && rest == word.data() + word.size();
  }
  if (!is_understood) {
    throw UsageError(text("--patch-size '", patch_size, "' is no size"),
                     "give depth, height and width in voxels, such as 64,128,128");
  }
  return patch;
}

models::ResidualUnetOptions Options::network(const models::Extent& patch) const {
  return {.plan = {.patch = patch, .width = width, .blocks = encoder_blocks},
          .side_outputs = deep_supervision,
          .gradient_checkpointing = gradient_checkpointing};
}

data::PatchOptions Options::patches(const models::Extent& patch) const {
  data::PatchOptions patches;
  patches.patch = {patch[0], patch[1], patch[2]};
  patches.foreground_share = foreground_share;
  if (samples_per_epoch) {
    patches.samples_per_epoch = static_cast<std::uint64_t>(*samples_per_epoch);
  }
  patches.augment = augment;
  patches.zoom.most = elastic_scale;
  patches.symmetries = symmetries_of(symmetries, patch);
  return patches;
}

std::optional<std::uint64_t> Options::memory_limit() const {
  if (volume_memory.empty()) {
    return std::nullopt;
  }
  const auto bytes = data::parse_byte_count(volume_memory);
  if (!bytes) {
    throw UsageError(text("--volume-memory '", volume_memory, "' is no size"), "give one such as 8GiB or 512MiB");
  }
  return bytes;
}

void Options::validate() const {
  if (dataset_path.empty()) {
    throw UsageError("--dataset-path is missing", "give the folder of the volumes");
  }
  network(patch()).plan.validate();
  patches(patch()).validate();
  check_loss_weight("--dice-weight", loss.dice);
  check_loss_weight("--cross-entropy-weight", loss.cross_entropy);
  if (loss.dice == 0 && loss.cross_entropy == 0) {
    throw UsageError("--dice-weight and --cross-entropy-weight are both 0: nothing is learnt", "give one of them");
  }
  if (!(overlap >= 0 && overlap < 1)) {
    throw UsageError(text("--overlap ", overlap, " is no share of a window"), "give a number from 0 to 0.9");
  }
  memory_limit();
  data::HoldOutOptions{.ids = split_at_commas(held_out), .share = held_out_share}.validate();
}

}  // namespace lockstep::tasks::surface
