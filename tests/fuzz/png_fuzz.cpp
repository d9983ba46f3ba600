// The bytes are a PNG, as they are and with their check sums put right, without which few mutations would get far.

#include <vector>

#include "lockstep/media/decode.h"
#include "lockstep/media/png.h"
#include "tests/fuzz/png_differences.h"
#include "tests/support/png_builder.h"

namespace lockstep::fuzz {
namespace {

void decode_every_way(std::span<const std::byte> bytes) {
  try {
    const media::ImageSize size = media::read_image_size(bytes, "fuzz.png");
    if (size.width > kMaxFuzzPixels / size.height) {
      return;
    }
    compare_png_decoders(bytes, size);
    media::Image image;
    media::decode_png_part(bytes, {.mode = media::ColorMode::kRgb}, "fuzz.png", image);
    LOCKSTEP_ASSERT(image.size() == size, "the size is not that of the header");
  } catch (const DataError&) {
  }
}

}  // namespace
}  // namespace lockstep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* first = reinterpret_cast<const std::byte*>(data);
  std::vector<std::byte> bytes(first, first + size);
  lockstep::fuzz::decode_every_way(bytes);
  lockstep::test::repair_checksums(bytes);
  lockstep::fuzz::decode_every_way(bytes);
  return 0;
}
