#pragma once

#include "lockstep/data/box_set.h"
#include "lockstep/media/decode.h"

namespace lockstep::data {

/// The image with its boxes on the upright picture of its file, whose header this is. Annotations of the stored picture
/// are turned with it, by EXIF; those of a picture of another size and the same shape are scaled. Throws DataError
/// naming the file where the sizes do not fit together.
BoxedImage placed_on(const media::ImageHeader& header, BoxedImage image);

/// Reads the header of the image's file, and places the boxes on it. Throws DataError naming the file.
BoxedImage placed_on_file(const BoxedImage& image);

}  // namespace lockstep::data
