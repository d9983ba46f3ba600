#pragma once

#include <cstdint>
#include <span>

#include "lockstep/base/random.h"
#include "lockstep/data/intensity.h"
#include "lockstep/data/patch_options.h"

namespace lockstep::data {

/// What is to be done to the intensities of one patch; as it stands, nothing.
struct VoxelChange {
  double brightness = 1;  ///< factor
  double contrast = 1;    ///< factor
  double gamma = 1;       ///< power
  double noise = 0;       ///< deviation, in that of the volume's intensities

  bool changes_levels() const { return brightness != 1 || contrast != 1 || gamma != 1; }
};

VoxelChange draw_change(const IntensityChanges& changes, RandomStream& random);

/// What becomes of an intensity without noise: brightness, contrast, then gamma, which takes what lies outside of the
/// volume's range for its ends. Not rounded.
double changed_level(double level, const VoxelChange& change, const IntensityStatistics& statistics);

/// Changes voxels of a volume with these statistics. Results are rounded and cut off at the ends of their type. `key`
/// is that of the noise: voxel i gets the 16 bits i of its random numbers.
void change_voxels(const VoxelChange& change, const IntensityStatistics& statistics, const RandomKey& key,
                   std::span<std::uint8_t> voxels);
void change_voxels(const VoxelChange& change, const IntensityStatistics& statistics, const RandomKey& key,
                   std::span<std::uint16_t> voxels);

}  // namespace lockstep::data
