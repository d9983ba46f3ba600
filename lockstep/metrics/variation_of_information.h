#pragma once

#include <cstdint>
#include <span>

#include "lockstep/media/volume.h"

namespace lockstep::metrics {

/// How much one must be told, in bits a voxel, to know the component in one volume from that in the other.
struct VariationOfInformation {
  double split = 0;  ///< H(prediction | truth): components of the truth are torn apart
  double merge = 0;  ///< H(truth | prediction): components of the truth are joined
};

/// Compares the connected components (26 neighbours) of two volumes over the voxels that are foreground in either; the
/// background counts there as one more component. Both volumes are (depth, height, width), not zero in the foreground.
/// 0 where both are empty.
///
/// Meilă, "Comparing clusterings: an information based distance", 2007; logarithms to base 2 as in
/// skimage.metrics.variation_of_information.
VariationOfInformation variation_of_information(std::span<const std::uint8_t> prediction,
                                                std::span<const std::uint8_t> truth, const media::VolumeShape& shape,
                                                int threads = 1);

}  // namespace lockstep::metrics
