#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "lockstep/media/volume.h"

namespace lockstep::metrics {

/// A squared distance that is further than any.
inline constexpr std::int32_t kFar = std::numeric_limits<std::int32_t>::max();

/// The squared Euclidean distance from each voxel to the nearest marked one, in voxels²: (depth, height, width). Exact
/// where it is at most `limit`, and more than `limit` elsewhere; kFar is no limit. `marked` is (depth, height, width),
/// not zero where marked. Squares that are no smaller than kFar are kFar. The time is linear in the voxels, and shorter
/// with a limit.
///
/// Meijster, Roerdink and Hesselink, "A general algorithm for computing distance transforms in linear time", 2000;
/// Felzenszwalb and Huttenlocher, "Distance transforms of sampled functions", 2012.
std::vector<std::int32_t> squared_distances(std::span<const std::uint8_t> marked, const media::VolumeShape& shape,
                                            std::int32_t limit = kFar, int threads = 1);

}  // namespace lockstep::metrics
