#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "lockstep/media/volume.h"

namespace lockstep::data {

/// How often each value of 16 bits occurs among voxels.
class IntensityHistogram {
 public:
  explicit IntensityHistogram(media::VoxelType type);

  void add(std::span<const std::uint8_t> voxels);
  void add(std::span<const std::uint16_t> voxels);
  void add(const IntensityHistogram& other);

  /// 256 or 65536 of them.
  std::span<const std::uint64_t> counts() const { return counts_; }

 private:
  std::vector<std::uint64_t> counts_;
};

/// What there is to know of the intensities of a volume.
struct IntensityStatistics {
  double mean = 0;
  double deviation = 0;  ///< of all voxels (not of a sample); 0: all are alike
  std::uint16_t lowest = 0;
  std::uint16_t highest = 0;
};

IntensityStatistics statistics_of(const IntensityHistogram& histogram);

/// What is left for the device to do to a patch: voxel * scale + offset, which gives voxels of its volume's mean the
/// value 0 and a deviation of 1.
struct PatchFinish {
  float scale = 1;
  float offset = 0;
};

/// A volume all of whose voxels are alike becomes 0.
PatchFinish normalisation_of(const IntensityStatistics& statistics);

}  // namespace lockstep::data
