#pragma once

#include <cstddef>
#include <vector>

#include "lockstep/media/image.h"

namespace lockstep::media {

/// A grey or RGB image as PNG, without loss. Throws MachineError where libpng runs out of memory.
std::vector<std::byte> encode_png(const Image& image);

/// A grey or RGB image as JPEG; quality 1 … 100. Throws MachineError where libjpeg runs out of memory.
std::vector<std::byte> encode_jpeg(const Image& image, int quality);

}  // namespace lockstep::media
