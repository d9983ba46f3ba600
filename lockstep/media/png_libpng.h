#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "lockstep/media/decode.h"

namespace lockstep::media {

/// Decodes the request's region of a PNG of any kind. Rows below it are left unread, except in an interlaced PNG.
/// Throws DataError.
void decode_png_with_libpng(std::span<const std::byte> bytes, const DecodeRequest& request, const std::string& name,
                            Image& image);

/// The size in a PNG's header. Throws DataError.
ImageSize read_png_size_with_libpng(std::span<const std::byte> bytes, const std::string& name);

}  // namespace lockstep::media
