#pragma once

#include <cstddef>
#include <span>

#include "lockstep/media/decode.h"

namespace lockstep::media {

/// Decodes a rectangle of a simple PNG (png_chunks.h) several times as fast as libpng: the whole stream is inflated at
/// once by libdeflate, and only the rows up to the last one that is wanted are unfiltered. False, with the image as it
/// was, for every other PNG and for whatever is damaged. The pixels are those of libpng, also what is outside of the
/// rectangle is checked. What memory the image has is used again.
///
/// It is lenient in one point: where the codes of a deflated block leave gaps that no bit of the file runs into, zlib
/// may refuse what libdeflate reads.
bool decode_png_fast(std::span<const std::byte> bytes, const DecodeRequest& request, Image& image);

}  // namespace lockstep::media
