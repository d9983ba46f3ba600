// The bytes are a JPEG.

#include "lockstep/base/error.h"
#include "lockstep/media/decode.h"
#include "lockstep/media/jpeg.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lockstep;
  constexpr int kMaxFuzzPixels = 1 << 20;  // larger images cost time and find nothing more
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  try {
    const media::ImageSize header = media::read_jpeg_size(bytes, "fuzz.jpg");
    if (header.width > kMaxFuzzPixels / header.height) {
      return 0;
    }
    for (const media::ColorMode mode : {media::ColorMode::kGrey, media::ColorMode::kRgb}) {
      const media::Image image = media::decode_image(bytes, mode, "fuzz.jpg");
      LOCKSTEP_ASSERT(image.size() == header, "the size is not that of the header");
    }
  } catch (const DataError&) {
  }
  return 0;
}
