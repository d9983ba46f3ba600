#include "lockstep/data/voxel_changes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "lockstep/base/simd.h"

namespace lockstep::data {
namespace {

constexpr std::size_t kQuantiles = 4096;

/// The value that a standard normal variable stays below with that probability, at most 0.5, by bisection.
double normal_quantile(double probability) {
  double low = -10;
  double high = 0;
  for (int i = 0; i < 50; ++i) {
    const double middle = (low + high) / 2;
    (std::erfc(-middle / std::numbers::sqrt2) / 2 < probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

/// As many values of a normal variable, each as likely as the others, with a deviation of 1. One of them drawn at
/// random is noise that nobody can tell from Gaussian noise once it is rounded to levels; to compute one takes many
/// times longer than to look it up.
std::array<float, kQuantiles> make_quantiles() {
  std::array<double, kQuantiles> exact{};
  double squares = 0;
  for (std::size_t i = 0; i < kQuantiles / 2; ++i) {
    exact[i] = normal_quantile((static_cast<double>(i) + 0.5) / kQuantiles);
    exact[kQuantiles - 1 - i] = -exact[i];
    squares += 2 * exact[i] * exact[i];
  }
  std::array<float, kQuantiles> quantiles{};
  for (std::size_t i = 0; i < kQuantiles; ++i) {
    quantiles[i] = static_cast<float>(exact[i] / std::sqrt(squares / kQuantiles));
  }
  return quantiles;
}

/// words: half as many as voxels.
template <typename Voxel>
inline void add_quantiles(const float* __restrict quantiles, float deviation, const std::uint32_t* __restrict words,
                          std::size_t pairs, Voxel* __restrict voxels) {
  constexpr float kHighest = std::numeric_limits<Voxel>::max();
  const auto noisy = [&](Voxel voxel, std::uint32_t bits) {
    const float value = static_cast<float>(voxel) + deviation * quantiles[bits % kQuantiles] + 0.5F;
    const float cut = value > 0.0F ? value : 0.0F;
    return static_cast<Voxel>(static_cast<int>(cut < kHighest ? cut : kHighest));
  };
  for (std::size_t i = 0; i < pairs; ++i) {
    voxels[2 * i] = noisy(voxels[2 * i], words[i]);
    voxels[2 * i + 1] = noisy(voxels[2 * i + 1], words[i] >> 16U);
  }
}

LOCKSTEP_SIMD void add_noise(const float* quantiles, float deviation, const std::uint32_t* words, std::size_t pairs,
                             std::uint8_t* voxels) {
  add_quantiles(quantiles, deviation, words, pairs, voxels);
}

LOCKSTEP_SIMD void add_noise(const float* quantiles, float deviation, const std::uint32_t* words, std::size_t pairs,
                             std::uint16_t* voxels) {
  add_quantiles(quantiles, deviation, words, pairs, voxels);
}

template <typename Voxel>
void add_noise_to_all(float deviation, const RandomKey& key, std::span<Voxel> voxels) {
  static const std::array<float, kQuantiles> quantiles = make_quantiles();
  std::array<std::uint32_t, 2048> words;
  for (std::uint32_t block = 0; !voxels.empty(); block += static_cast<std::uint32_t>(words.size() / 4)) {
    const std::size_t count = std::min(voxels.size(), 2 * words.size());
    random_words(key, block, std::span(words).first((count + 1) / 2));
    add_noise(quantiles.data(), deviation, words.data(), count / 2, voxels.data());
    if (count % 2 != 0) {  // the end of a patch of an odd number of voxels
      std::array<Voxel, 2> last{voxels[count - 1], 0};
      add_noise(quantiles.data(), deviation, words.data() + count / 2, 1, last.data());
      voxels[count - 1] = last[0];
    }
    voxels = voxels.subspan(count);
  }
}

/// Looks every level up in a table of those between the volume's ends; the table is made once for a patch.
template <typename Voxel>
void change_levels(const VoxelChange& change, const IntensityStatistics& statistics, std::span<Voxel> voxels) {
  thread_local std::vector<Voxel> table;
  const Voxel lowest = static_cast<Voxel>(statistics.lowest);
  const std::size_t levels = static_cast<std::size_t>(statistics.highest - statistics.lowest) + 1;
  table.resize(levels);
  for (std::size_t i = 0; i < levels; ++i) {
    const double level = changed_level(static_cast<double>(lowest + i), change, statistics);
    table[i] = static_cast<Voxel>(std::lround(std::clamp<double>(level, 0, std::numeric_limits<Voxel>::max())));
  }
  const Voxel* values = table.data();
  for (Voxel& voxel : voxels) {
    voxel = values[voxel - lowest];
  }
}

template <typename Voxel>
void change_all(const VoxelChange& change, const IntensityStatistics& statistics, const RandomKey& key,
                std::span<Voxel> voxels) {
  if (change.changes_levels()) {
    change_levels(change, statistics, voxels);
  }
  if (change.noise > 0) {
    add_noise_to_all(static_cast<float>(change.noise * statistics.deviation), key, voxels);
  }
}

}  // namespace

VoxelChange draw_change(const IntensityChanges& changes, RandomStream& random) {
  VoxelChange change;
  if (random.chance(changes.brightness_chance)) {
    change.brightness = random.uniform(1 - changes.most_brightness, 1 + changes.most_brightness);
  }
  if (random.chance(changes.contrast_chance)) {
    change.contrast = random.uniform(1 - changes.most_contrast, 1 + changes.most_contrast);
  }
  if (random.chance(changes.gamma_chance)) {
    change.gamma = random.uniform(changes.least_gamma, changes.most_gamma);
  }
  if (random.chance(changes.noise_chance)) {
    change.noise = random.uniform(0, changes.most_noise);
  }
  return change;
}

double changed_level(double level, const VoxelChange& change, const IntensityStatistics& statistics) {
  const double lowest = statistics.lowest;
  const double range = statistics.highest - lowest;
  level = lowest + (level - lowest) * change.brightness;
  level = statistics.mean + (level - statistics.mean) * change.contrast;
  if (change.gamma != 1 && range > 0) {
    level = lowest + range * std::pow(std::clamp((level - lowest) / range, 0.0, 1.0), change.gamma);
  }
  return level;
}

void change_voxels(const VoxelChange& change, const IntensityStatistics& statistics, const RandomKey& key,
                   std::span<std::uint8_t> voxels) {
  change_all(change, statistics, key, voxels);
}

void change_voxels(const VoxelChange& change, const IntensityStatistics& statistics, const RandomKey& key,
                   std::span<std::uint16_t> voxels) {
  change_all(change, statistics, key, voxels);
}

}  // namespace lockstep::data
