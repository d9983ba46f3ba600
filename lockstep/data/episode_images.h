#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "lockstep/data/box_set.h"

namespace lockstep::data {

/// Which images serve the episodes of training, and which those of evaluation; no image serves both.
struct EpisodeImages {
  std::vector<BoxedImage> training;
  std::vector<BoxedImage> evaluation;
  std::string words;  ///< where they come from: "trains on train (70 images), evaluates on valid and test (69)"
};

struct EpisodeImagesOptions {
  double held_out_share = 0.2;       ///< of the images that training would else take, where some must be kept from it
  std::size_t images_per_class = 0;  ///< that evaluation needs of each of its classes (images_needed())

  /// Throws UsageError for a share outside of (0, 1).
  void validate() const;
};

/// Training takes the split "train", evaluation all others, but for images that are in "train" too. Where these have
/// fewer images than needed of a class in `evaluated`, and where there is no other split or no "train", a share of the
/// images is held out of training. Which they are is decided by the name of each file alone, up to ".rf." where it has
/// that (copies of one picture by Roboflow), so that further images do not change it.
EpisodeImages share_images(const BoxSet& set, const std::vector<std::size_t>& evaluated,
                           const EpisodeImagesOptions& options);

/// How many of the images have a box that can be an example of each class 0 … classes - 1.
std::vector<std::size_t> images_of_classes(const std::vector<BoxedImage>& images, std::size_t classes);

}  // namespace lockstep::data
