#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "lockstep/media/volume.h"
#include "lockstep/metrics/components.h"

namespace lockstep::metrics {

/// `count` voxels that follow each other in a row, from voxel `first` of the volume on, of a component of `size`
/// voxels.
using SmallRunVisit = std::function<void(std::int64_t first, std::int64_t count, std::int64_t size)>;

/// Calls `visit` for the voxels of all connected components of fewer than `limit` voxels, in no particular order; it
/// may change them. `foreground` is (depth, height, width). Goes through the volume slice by slice and holds the runs
/// of the slice before, and of those small components that reach it: no number for every voxel.
void for_each_small_run(std::span<const std::uint8_t> foreground, const media::VolumeShape& shape,
                        Connectivity connectivity, std::int64_t limit, const SmallRunVisit& visit);

/// Sets the components of fewer than `smallest` voxels to zero, and gives the number of voxels that were taken away.
std::int64_t remove_small_components(std::span<std::uint8_t> foreground, const media::VolumeShape& shape,
                                     Connectivity connectivity, std::int64_t smallest);

}  // namespace lockstep::metrics
