#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lockstep/media/volume.h"

namespace lockstep::metrics {

/// Which voxels are neighbours: those that share a face (6), or also those that share an edge or a corner (26).
enum class Connectivity { kFaces, kCorners };

/// The connected components of a volume.
struct Components {
  std::vector<std::uint32_t> labels;  ///< (depth, height, width): 0 is background, components count from 1
  std::vector<std::int64_t> sizes;    ///< in voxels; sizes[i] is that of component i + 1

  std::int64_t count() const { return static_cast<std::int64_t>(sizes.size()); }
};

/// The connected components of the voxels that are not zero, numbered in the order of their first voxels, as
/// scipy.ndimage.label numbers them. Runs of voxels are joined by union-find, so that the time is almost linear.
/// `foreground` is (depth, height, width) and has fewer than 2^32 voxels.
Components connected_components(std::span<const std::uint8_t> foreground, const media::VolumeShape& shape,
                                Connectivity connectivity);

}  // namespace lockstep::metrics
