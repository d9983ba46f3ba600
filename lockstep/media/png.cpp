#include "lockstep/media/png.h"

#include "lockstep/base/error.h"
#include "lockstep/media/png_fast.h"
#include "lockstep/media/png_libpng.h"

namespace lockstep::media {
void decode_png_part(std::span<const std::byte> bytes, const DecodeRequest& request, const std::string& name,
                     Image& image) {
  LOCKSTEP_ASSERT(request.eighths == kFullSize, "a PNG has one size only");
  if (!decode_png_fast(bytes, request, image)) {
    decode_png_with_libpng(bytes, request, name, image);
  }
}

ImageSize read_png_size(std::span<const std::byte> bytes, const std::string& name) {
  return read_png_size_with_libpng(bytes, name);
}

}  // namespace lockstep::media
