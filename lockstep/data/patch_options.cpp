#include "lockstep/data/patch_options.h"

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/media/limits.h"

namespace lockstep::data {
namespace {

void require_share(double share, const char* what) {
  if (!(share >= 0 && share <= 1)) {
    throw UsageError(text(what, " is ", share), "give a number from 0 to 1");
  }
}

void require_range(bool is_right, const char* what, double number, const char* remedy) {
  if (!is_right) {
    throw UsageError(text(what, " is ", number), remedy);
  }
}

}  // namespace

void validate_patch(const media::VolumeShape& patch) {
  const auto is_side = [](std::int64_t side) { return side >= 1 && side <= media::kMaxDimension; };
  if (!is_side(patch.depth) || !is_side(patch.height) || !is_side(patch.width) ||
      patch.slice_voxels() > media::kMaxPixels / patch.depth) {
    throw UsageError(text("a patch of ", patch.depth, "x", patch.height, "x", patch.width, " voxels"),
                     "give three sides of at least 1 and not too large, such as 64 128 128");
  }
}

void PatchOptions::validate() const {
  validate_patch(patch);
  require_share(foreground_share, "the share of patches around the surface");
  require_share(changes.brightness_chance, "the chance of a change of brightness");
  require_share(changes.contrast_chance, "the chance of a change of contrast");
  require_share(changes.gamma_chance, "the chance of a gamma");
  require_share(changes.noise_chance, "the chance of noise");
  require_share(changes.most_brightness, "the largest change of brightness");
  require_share(changes.most_contrast, "the largest change of contrast");
  require_range(changes.least_gamma > 0, "the least gamma", changes.least_gamma, "give a number above 0, such as 0.7");
  require_range(changes.most_gamma >= changes.least_gamma && changes.most_gamma < 100, "the largest gamma",
                changes.most_gamma, "give a number from the least gamma to 100, such as 1.5");
  require_range(changes.most_noise >= 0 && changes.most_noise < 100, "the largest deviation of noise",
                changes.most_noise, "give a number from 0 to 100, such as 0.1");
  require_share(zoom.chance, "the chance of a zoom");
  require_range(zoom.most >= 0 && zoom.most <= 1, "the largest zoom (--elastic-scale)", zoom.most,
                "give a number from 0, for none, to 1");
  if (samples_per_epoch && (*samples_per_epoch < 1 || *samples_per_epoch >= (std::uint64_t{1} << 32))) {
    throw UsageError(text("an epoch of ", *samples_per_epoch, " samples"), "give 1 or more, below 2^32");
  }
}

}  // namespace lockstep::data
