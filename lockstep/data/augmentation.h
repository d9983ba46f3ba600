#pragma once

#include "lockstep/base/random.h"
#include "lockstep/data/color.h"
#include "lockstep/media/image.h"

namespace lockstep::data {

struct AugmentationOptions {
  double min_scale = 0.5;  ///< the crop's area, as a part of the image's
  double max_scale = 1.0;
  double min_ratio = 3.0 / 4.0;  ///< the crop's width over its height
  double max_ratio = 4.0 / 3.0;
  double flip_probability = 0.5;
  double brightness = 0.4;  ///< s: a factor in [1 - s, 1 + s]; 0: none
  double contrast = 0.4;
  double saturation = 0.4;
  double hue = 0.0;  ///< h: a turn in [-h, h], in parts of the circle of colours, at most 0.5

  /// Throws UsageError for values out of range.
  void validate() const;
};

/// What is done to one sample.
struct AugmentationPlan {
  media::Rect crop;
  bool flip = false;  ///< left and right change places
  ColourChange colours{};
};

/// Draws a plan for an image of this size. The crop is that of torchvision's RandomResizedCrop: ten tries, then the
/// largest central crop of an allowed ratio.
AugmentationPlan plan_augmentation(const AugmentationOptions& options, media::ImageSize size, RandomStream& random);

/// The least width and the least height that `plan_augmentation` may draw for an image of this size; the two need not
/// belong to one crop.
media::ImageSize smallest_crop(const AugmentationOptions& options, media::ImageSize size);

}  // namespace lockstep::data
