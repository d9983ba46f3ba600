#include "lockstep/tasks/camouflage/baselines.h"

#include <algorithm>

#include "lockstep/base/error.h"
#include "lockstep/data/batch.h"
#include "lockstep/media/resize.h"
#include "lockstep/metrics/saliency.h"

namespace lockstep::tasks::camouflage {
namespace {

constexpr std::size_t kMaskField = 1;
constexpr std::uint8_t kBackground = 128;  // and below

/// Calls `visit(batch)` for each sample, as a batch of one.
template <typename Visit>
void for_each_sample(const data::Dataset& set, const Visit& visit) {
  for (std::uint64_t index = 0; index < set.size(); ++index) {
    visit(data::load_batch(set, {{0, 0, index, index}}));
  }
}

std::vector<std::uint8_t> mask_of(const data::Batch& batch) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(batch.fields[kMaskField].data());
  return {bytes, bytes + batch.fields[kMaskField].size()};
}

double intersection_over_union(const std::vector<std::uint8_t>& mask, const std::vector<bool>& answer) {
  std::int64_t both = 0;
  std::int64_t either = 0;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    const bool truth = mask[i] > kBackground;
    both += truth && answer[i] ? 1 : 0;
    either += truth || answer[i] ? 1 : 0;
  }
  return either == 0 ? 1.0 : static_cast<double>(both) / static_cast<double>(either);
}

/// The mean of the masks, cut where it answers best for these very masks: 0 or 255 a pixel.
std::vector<std::uint8_t> best_mean_mask(const std::vector<std::vector<std::uint8_t>>& masks) {
  LOCKSTEP_ASSERT(!masks.empty(), "no masks");
  std::vector<double> mean(masks.front().size(), 0.0);
  for (const auto& mask : masks) {
    for (std::size_t i = 0; i < mean.size(); ++i) {
      mean[i] += mask[i] / (255.0 * static_cast<double>(masks.size()));
    }
  }
  std::vector<std::uint8_t> best;
  double best_score = -1;
  const double highest = std::ranges::max(mean);
  constexpr int kLevels = 20;
  for (int level = 0; level < kLevels; ++level) {
    std::vector<bool> answer;
    for (const double value : mean) {
      answer.push_back(value >= highest * level / kLevels);
    }
    double score = 0;
    for (const auto& mask : masks) {
      score += intersection_over_union(mask, answer);
    }
    if (score > best_score) {
      best_score = score;
      best.assign(answer.begin(), answer.end());
    }
  }
  for (std::uint8_t& pixel : best) {
    pixel *= 255;
  }
  return best;
}

}  // namespace

std::vector<Baseline> measure_baselines(const data::Dataset& training_set, const data::Dataset& evaluation_set) {
  std::vector<std::vector<std::uint8_t>> masks;
  for_each_sample(training_set, [&](const data::Batch& batch) { masks.push_back(mask_of(batch)); });
  const std::vector<std::int64_t>& shape = training_set.layout()[kMaskField].shape;
  media::Image mean(static_cast<int>(shape[1]), static_cast<int>(shape[0]), 1);
  mean.pixels = best_mean_mask(masks);

  std::vector<std::vector<double>> everything;
  std::vector<std::vector<double>> mean_mask;
  for_each_sample(evaluation_set, [&](const data::Batch& batch) {
    const data::RaggedArray& truth = batch.ragged.at(0).at(0);
    const int height = static_cast<int>(truth.shape[0]);
    const int width = static_cast<int>(truth.shape[1]);
    const std::span levels(reinterpret_cast<const std::uint8_t*>(truth.bytes.data()), truth.bytes.size());
    std::vector<std::uint8_t> answer(levels.size(), 255);
    everything.push_back(metrics::saliency_record(answer, levels, width, height));
    media::resize_nearest(mean, {0, 0, mean.width, mean.height}, width, height, false, answer);
    mean_mask.push_back(metrics::saliency_record(answer, levels, width, height));
  });
  return {{"everything", metrics::summarise_saliency(everything)},
          {"mean mask", metrics::summarise_saliency(mean_mask)}};
}

}  // namespace lockstep::tasks::camouflage
