#pragma once

#include <filesystem>

#include "lockstep/media/image.h"

namespace lockstep::test {

/// A photograph of sorts, the same for the same number: a bright disc on darker, uneven ground. RGB.
media::Image make_photograph(int number, media::ImageSize size);

/// Its true mask: 255 on the disc. Grey.
media::Image make_mask(int number, media::ImageSize size);

/// Writes that many photographs of differing sizes, JPEG and PNG, to train/images (photo-00.jpg, photo-01.png, …) and
/// test/images, and their masks (photo-00.png, …) to train/masks and test/masks.
void write_dataset(const std::filesystem::path& folder, int training, int test);

}  // namespace lockstep::test
