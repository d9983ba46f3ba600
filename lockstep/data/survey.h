#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lockstep/data/box_set.h"
#include "lockstep/data/image_mask_pair.h"
#include "lockstep/data/traps.h"
#include "lockstep/media/image.h"

namespace lockstep::data {

/// What decoding every file of a part of a dataset has shown.
struct Survey {
  std::vector<media::ImageSize> sizes;  ///< of the images that can be used, upright
  std::vector<double> object_shares;    ///< of the pixels of each mask: what it marks as object, 0 … 1
  Traps traps;                          ///< what is put up with
  std::vector<std::string> refused;     ///< what training would refuse: a message for each sample
};

/// Reads all samples as training reads them, on so many threads. What cannot be decoded is told, not thrown.
Survey survey_masks(const std::vector<ImageMaskPair>& pairs, int threads);
Survey survey_boxes(const std::vector<BoxedImage>& images, int threads);

/// "256x256 … 1272x603, median 360x360", by the number of pixels; "2048x1371" where all are the same.
std::string describe_sizes(std::vector<media::ImageSize> sizes);

}  // namespace lockstep::data
