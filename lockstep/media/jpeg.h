#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "lockstep/media/decode.h"
#include "lockstep/media/image.h"

namespace lockstep::media {

/// Decodes of a JPEG what `decode_part` is asked for: only the rows down to the last wanted one are read, and of these
/// only the wanted columns (and what libjpeg needs beside them) are turned into pixels. CMYK is taken as inverted, as
/// Adobe's programs write it and Pillow reads it. Data that libjpeg would paint over (a premature end, a bad code) is
/// an error. Throws DataError.
void decode_jpeg_part(std::span<const std::byte> bytes, const DecodeRequest& request, const std::string& name,
                      Image& image);

/// The same, slower: no part of it is our own.
void decode_part_by_libjpeg(std::span<const std::byte> bytes, const DecodeRequest& request, const std::string& name,
                            Image& image);

/// The size in a JPEG's header. Throws DataError.
ImageSize read_jpeg_size(std::span<const std::byte> bytes, const std::string& name);

/// The number of the libjpeg that the program was built with: another one may decode to slightly other pixels.
int jpeg_library_version();

}  // namespace lockstep::media
