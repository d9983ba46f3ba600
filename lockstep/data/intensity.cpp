#include "lockstep/data/intensity.h"

#include <cmath>

#include "lockstep/base/error.h"

namespace lockstep::data {

IntensityHistogram::IntensityHistogram(media::VoxelType type)
    : counts_(type == media::VoxelType::kUInt8 ? std::size_t{256} : std::size_t{65536}) {}

void IntensityHistogram::add(std::span<const std::uint8_t> voxels) {
  // Neighbours often have the same value: counted in turn in several tables, none waits for the other.
  std::array<std::array<std::uint64_t, 256>, 4> tables{};
  const std::size_t fours = voxels.size() / 4;
  for (std::size_t i = 0; i < fours; ++i) {
    for (std::size_t table = 0; table < 4; ++table) {
      ++tables[table][voxels[4 * i + table]];
    }
  }
  for (std::size_t i = 4 * fours; i < voxels.size(); ++i) {
    ++tables[0][voxels[i]];
  }
  for (std::size_t value = 0; value < 256; ++value) {
    counts_[value] += tables[0][value] + tables[1][value] + tables[2][value] + tables[3][value];
  }
}

void IntensityHistogram::add(std::span<const std::uint16_t> voxels) {
  LOCKSTEP_ASSERT(counts_.size() == 65536, "a histogram of 8 bits");
  for (const std::uint16_t value : voxels) {
    ++counts_[value];
  }
}

void IntensityHistogram::add(const IntensityHistogram& other) {
  LOCKSTEP_ASSERT(counts_.size() == other.counts_.size(), "histograms of different types");
  for (std::size_t value = 0; value < counts_.size(); ++value) {
    counts_[value] += other.counts_[value];
  }
}

IntensityStatistics statistics_of(const IntensityHistogram& histogram) {
  const std::span<const std::uint64_t> counts = histogram.counts();
  IntensityStatistics statistics;
  double voxels = 0;
  double sum = 0;
  for (std::size_t value = 0; value < counts.size(); ++value) {
    if (counts[value] > 0) {
      statistics.lowest = voxels == 0 ? static_cast<std::uint16_t>(value) : statistics.lowest;
      statistics.highest = static_cast<std::uint16_t>(value);
      voxels += static_cast<double>(counts[value]);
      sum += static_cast<double>(value) * static_cast<double>(counts[value]);
    }
  }
  LOCKSTEP_ASSERT(voxels > 0, "intensities of nothing");
  statistics.mean = sum / voxels;
  double squares = 0;
  for (std::size_t value = 0; value < counts.size(); ++value) {
    const double difference = static_cast<double>(value) - statistics.mean;
    squares += difference * difference * static_cast<double>(counts[value]);
  }
  statistics.deviation = std::sqrt(squares / voxels);
  return statistics;
}

PatchFinish normalisation_of(const IntensityStatistics& statistics) {
  const double scale = statistics.deviation > 0 ? 1 / statistics.deviation : 1;
  return {static_cast<float>(scale), static_cast<float>(-statistics.mean * scale)};
}

}  // namespace lockstep::data
