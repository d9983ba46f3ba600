#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lockstep/media/volume.h"

namespace lockstep::tasks::surface {

/// How probabilities become a mask.
struct Postprocessing {
  double threshold = 0.5;               ///< above 0, at most 1: what is at least as probable is surface
  std::int64_t smallest_component = 0;  ///< voxels; what has fewer of them is taken away

  bool operator==(const Postprocessing&) const = default;

  /// Throws UsageError, naming the flag.
  void validate() const;
};

/// Turns probabilities, (depth, height, width) as levels of 0 … 255, into a mask of 0 and 1 in their place. Components
/// are of voxels that share a corner at least.
void to_mask(std::span<std::uint8_t> levels, const media::VolumeShape& shape, const Postprocessing& how);

/// What was answered for a volume, and the truth.
struct AnsweredVolume {
  std::vector<std::uint8_t> levels;  ///< (depth, height, width), probabilities as levels of 0 … 255
  std::vector<std::uint8_t> labels;  ///< the same shape
  media::VolumeShape shape;
};

/// What was found to be best.
struct Tuned {
  Postprocessing how;
  double dice = 0;         ///< the mean over the volumes, without voxels to ignore
  double dice_before = 0;  ///< with the defaults
};

/// The threshold, of all that the levels can tell apart, with the highest mean Dice over some volumes, then the
/// smallest size of components, 0 or a power of two up to 4096, with which it gets no lower.
Tuned tune_postprocessing(std::span<const AnsweredVolume> volumes);

}  // namespace lockstep::tasks::surface
