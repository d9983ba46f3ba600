#pragma once

#include <cstdint>
#include <span>

#include "lockstep/media/volume.h"

namespace lockstep::metrics {

/// The share, 0 … 1, of the surfaces of two volumes that lies within `tolerance` voxels of the other's surface. Both
/// volumes are (depth, height, width), not zero in the foreground.
///
/// Surface elements sit at the corners of voxels, between the 2 × 2 × 2 voxels around, where those differ; each has the
/// area that marching cubes gives it. Outside of the volume is background. 1 where both volumes are empty, 0 where one
/// is.
///
/// Nikolov et al., "Deep learning to achieve clinically applicable segmentation of head and neck anatomy for
/// radiotherapy", 2018, as in DeepMind's package surface-distance.
double surface_dice(std::span<const std::uint8_t> prediction, std::span<const std::uint8_t> truth,
                    const media::VolumeShape& shape, double tolerance, int threads = 1);

}  // namespace lockstep::metrics
