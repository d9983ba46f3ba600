#pragma once

#include <cstdint>
#include <optional>

#include "lockstep/media/volume.h"

namespace lockstep::data {

/// Which of the 48 symmetries of the cube a patch may be turned by. Those that would change the shape of the patch are
/// left out in any case.
enum class Symmetries : std::uint8_t {
  kNone,
  kFlips,    ///< the 8 that keep every axis
  kInPlane,  ///< the 16 that keep the depth's axis: for voxels that are longer in depth
  kAll,
};

/// How the intensities of a patch are changed, in this order. Each change comes with a chance of its own. Chances and
/// ranges are those that nnU-Net has for these changes (Isensee et al., Nature Methods 2021).
struct IntensityChanges {
  double brightness_chance = 0.15;
  double most_brightness = 0.25;  ///< distances from the volume's lowest value times 1 - this … 1 + this
  double contrast_chance = 0.15;
  double most_contrast = 0.25;  ///< distances from the volume's mean times 1 - this … 1 + this
  double gamma_chance = 0.3;
  double least_gamma = 0.7;  ///< the volume's range of values, as 0 … 1, to the power of least_gamma … most_gamma
  double most_gamma = 1.5;
  double noise_chance = 0.1;
  double most_noise = 0.1;  ///< Gaussian noise, whose deviation is 0 … this of that of the volume's intensities
};

/// By how much patches are stretched and shrunk, each axis for itself.
struct ZoomChange {
  double chance = 0.2;  ///< of a patch; that of nnU-Net
  double most = 0;  ///< a side of what becomes the patch is as long as that times 1 / (1 + this) … 1 + this; 0: off
};

struct PatchOptions {
  media::VolumeShape patch{64, 128, 128};
  double foreground_share = 1.0 / 3;                 ///< of the patches has a voxel of the surface in its middle
  std::optional<std::uint64_t> samples_per_epoch{};  ///< none: 16 a volume
  bool augment = true;                               ///< turns and changes; else patches differ in their place alone
  Symmetries symmetries = Symmetries::kAll;
  IntensityChanges changes{};
  ZoomChange zoom{};

  void validate() const;
};

/// Throws UsageError for a patch without voxels or of absurdly many.
void validate_patch(const media::VolumeShape& patch);

}  // namespace lockstep::data
