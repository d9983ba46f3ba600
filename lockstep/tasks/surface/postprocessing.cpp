#include "lockstep/tasks/surface/postprocessing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/data/label_index.h"
#include "lockstep/metrics/small_components.h"

namespace lockstep::tasks::surface {
namespace {

constexpr int kLevels = 256;
constexpr std::int64_t kLargestTried = 4096;

/// The lowest level that is surface.
int level_of(double threshold) { return std::clamp(static_cast<int>(std::lround(threshold * 255)), 1, 255); }

/// Voxels that are not to be ignored.
struct Counts {
  double both = 0;
  double answered = 0;
  double surface = 0;

  double dice() const { return answered + surface == 0 ? 1 : 2 * both / (answered + surface); }
};

/// For each level, what would be counted if it were the lowest that is surface.
std::array<Counts, kLevels> counts_by_level(const AnsweredVolume& volume) {
  std::array<Counts, kLevels> counts{};
  for (std::size_t i = 0; i < volume.levels.size(); ++i) {
    if (volume.labels[i] != data::kIgnore) {
      Counts& of_level = counts[volume.levels[i]];
      of_level.answered += 1;
      of_level.both += volume.labels[i] == data::kSurface ? 1 : 0;
    }
  }
  double surface = 0;
  for (const Counts& of_level : counts) {
    surface += of_level.both;
  }
  for (int level = kLevels - 1; level >= 0; --level) {
    Counts& here = counts[static_cast<std::size_t>(level)];
    here.surface = surface;
    if (level + 1 < kLevels) {
      here.answered += counts[static_cast<std::size_t>(level) + 1].answered;
      here.both += counts[static_cast<std::size_t>(level) + 1].both;
    }
  }
  return counts;
}

/// The sizes that are tried.
std::vector<std::int64_t> sizes_to_try() {
  std::vector<std::int64_t> sizes{0};
  for (std::int64_t size = 2; size <= kLargestTried; size *= 2) {
    sizes.push_back(size);
  }
  return sizes;
}

/// The Dice of a volume for each of the sizes, at a threshold.
std::vector<double> dice_by_size(const AnsweredVolume& volume, int level, const std::vector<std::int64_t>& sizes) {
  std::vector<std::uint8_t> mask(volume.levels.size());
  std::ranges::transform(volume.levels, mask.begin(), [&](std::uint8_t value) { return value >= level ? 1 : 0; });
  std::vector<Counts> by_size(sizes.size(), counts_by_level(volume)[static_cast<std::size_t>(level)]);
  const auto take_away = [&](std::int64_t first, std::int64_t count, std::int64_t size) {
    Counts gone;
    for (std::int64_t i = first; i < first + count; ++i) {
      const std::uint8_t label = volume.labels[static_cast<std::size_t>(i)];
      gone.answered += label != data::kIgnore ? 1 : 0;
      gone.both += label == data::kSurface ? 1 : 0;
    }
    for (std::size_t tried = sizes.size(); tried-- > 0 && sizes[tried] > size;) {
      by_size[tried].answered -= gone.answered;
      by_size[tried].both -= gone.both;
    }
  };
  metrics::for_each_small_run(mask, volume.shape, metrics::Connectivity::kCorners, sizes.back(), take_away);
  std::vector<double> dice;
  std::ranges::transform(by_size, std::back_inserter(dice), &Counts::dice);
  return dice;
}

}  // namespace

void Postprocessing::validate() const {
  if (!(threshold > 0 && threshold <= 1)) {
    throw UsageError(text("--threshold ", threshold, " is no probability"), "give a number above 0, up to 1");
  }
  if (smallest_component < 0) {
    throw UsageError(text("--smallest-component ", smallest_component, " is no size"), "give voxels, 0 for none");
  }
}

void to_mask(std::span<std::uint8_t> levels, const media::VolumeShape& shape, const Postprocessing& how) {
  const int level = level_of(how.threshold);
  for (std::uint8_t& value : levels) {
    value = value >= level ? 1 : 0;
  }
  if (how.smallest_component > 1) {
    metrics::remove_small_components(levels, shape, metrics::Connectivity::kCorners, how.smallest_component);
  }
}

Tuned tune_postprocessing(std::span<const AnsweredVolume> volumes) {
  LOCKSTEP_ASSERT(!volumes.empty(), "there is a volume to tune on");
  const auto count = static_cast<double>(volumes.size());
  std::array<double, kLevels> by_level{};
  for (const AnsweredVolume& volume : volumes) {
    const auto counts = counts_by_level(volume);
    for (std::size_t level = 0; level < counts.size(); ++level) {
      by_level[level] += counts[level].dice() / count;
    }
  }
  const Postprocessing defaults;
  const auto best = std::max_element(by_level.begin() + 1, by_level.end());
  const auto level = static_cast<int>(best - by_level.begin());
  Tuned tuned;
  tuned.dice_before = by_level[static_cast<std::size_t>(level_of(defaults.threshold))];
  tuned.how.threshold = level / 255.0;

  const std::vector<std::int64_t> sizes = sizes_to_try();
  std::vector<double> by_size(sizes.size());
  for (const AnsweredVolume& volume : volumes) {
    const std::vector<double> dice = dice_by_size(volume, level, sizes);
    std::ranges::transform(dice, by_size, by_size.begin(), [&](double one, double sum) { return sum + one / count; });
  }
  const auto best_size = std::ranges::max_element(by_size);
  tuned.how.smallest_component = sizes[static_cast<std::size_t>(best_size - by_size.begin())];
  tuned.dice = *best_size;
  return tuned;
}

}  // namespace lockstep::tasks::surface
