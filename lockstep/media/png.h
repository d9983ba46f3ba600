#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "lockstep/media/decode.h"

namespace lockstep::media {

/// Decodes the request's region of a PNG, as grey or RGB, 8 bits: 16 bits lose their lower half, alpha is dropped. The
/// denominator must be 1. What memory `image` has is used
/// again. Throws DataError, also for damage outside of the region.
void decode_png_part(std::span<const std::byte> bytes, const DecodeRequest& request, const std::string& name,
                     Image& image);

/// The size in a PNG's header. Throws DataError.
ImageSize read_png_size(std::span<const std::byte> bytes, const std::string& name);

}  // namespace lockstep::media
