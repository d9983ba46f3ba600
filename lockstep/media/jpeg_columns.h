#pragma once

#include <cstddef>
#include <cstdio>
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

namespace lockstep::media {

/// A run of columns of the decoded picture.
struct Columns {
  JDIMENSION begin = 0;
  JDIMENSION count = 0;
};

/// The columns that libjpeg has to be asked for (`jpeg_crop_scanline`), so that the wanted ones among them come out as
/// in a decode of the whole picture: some more than those, all of them where libjpeg cannot leave any out. To be called
/// when decompression has started.
Columns columns_to_decode(const jpeg_decompress_struct& info, Columns wanted);

}  // namespace lockstep::media
