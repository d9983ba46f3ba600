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

/// How the intensities of a patch are changed. Each change comes with a chance of its own; deviations are those of the
/// volume's intensities. The defaults are those of nnU-Net (Isensee et al., Nature Methods 2021).
struct IntensityChanges {
  double noise_chance = 0.1;
  double most_noise = 0.3;  ///< deviation of Gaussian noise, drawn from 0 to this, in deviations
  double brightness_chance = 0.15;
  double most_brightness = 0.25;  ///< values times 1 - this … 1 + this, about the volume's darkest value
  double contrast_chance = 0.15;
  double most_contrast = 0.25;  ///< differences from the volume's mean times 1 - this … 1 + this
  double gamma_chance = 0.3;
  double least_gamma = 0.7;  ///< the range of values to the power of least_gamma … most_gamma
  double most_gamma = 1.5;
};

struct PatchOptions {
  media::VolumeShape patch{64, 128, 128};
  double foreground_share = 1.0 / 3;                 ///< of the patches has a voxel of the surface in its middle
  std::optional<std::uint64_t> samples_per_epoch{};  ///< none: 16 a volume
  bool augment = true;
  Symmetries symmetries = Symmetries::kAll;
  IntensityChanges changes{};

  void validate() const;
};

}  // namespace lockstep::data
