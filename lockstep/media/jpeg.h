#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "lockstep/media/image.h"

namespace lockstep::media {

/// Decodes a JPEG to grey if it is grey, else to RGB; CMYK is taken as inverted, as Adobe's programs write it and
/// Pillow reads it. Data that libjpeg would paint over (a premature end, a bad code) is an error. Throws DataError.
Image decode_jpeg(std::span<const std::byte> bytes, const std::string& name);

/// The size in a JPEG's header. Throws DataError.
ImageSize read_jpeg_size(std::span<const std::byte> bytes, const std::string& name);

}  // namespace lockstep::media
