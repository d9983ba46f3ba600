// Any bytes must end in an image of the right size or in a DataError, a region must have the bits of the whole, and
// what libjpeg can decode must have its bits. The last four bytes choose what is decoded.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "lockstep/base/error.h"
#include "lockstep/media/decode.h"
#include "lockstep/media/jpeg.h"

namespace {

using namespace lockstep;

/// So that each input is done within milliseconds.
constexpr std::int64_t kMaxFuzzedPixels = 1 << 18;

bool decode(std::span<const std::byte> bytes, const media::DecodeRequest& request, media::ImageSize size,
            media::Image& image) {
  try {
    decode_part(bytes, request, "fuzzed", image);
  } catch (const DataError&) {
    return false;
  }
  const int colours = request.padded ? 4 : 3;
  LOCKSTEP_ASSERT(image.size() == size, "the size is not what was asked for");
  LOCKSTEP_ASSERT(image.channels == (request.mode == media::ColorMode::kGrey ? 1 : colours), "the channels are others");
  LOCKSTEP_ASSERT(image.pixels.size() == image.row_bytes() * static_cast<std::size_t>(image.height), "pixels are lost");
  return true;
}

void require_bits_of_libjpeg(std::span<const std::byte> bytes, const media::DecodeRequest& request, bool decoded,
                             const media::Image& image) {
  media::Image expected;
  try {
    decode_part_by_libjpeg(bytes, request, "fuzzed", expected);
  } catch (const DataError&) {
    return;  // libjpeg may have read some bytes further, into what is missing
  }
  LOCKSTEP_ASSERT(decoded && image.pixels == expected.pixels, "libjpeg gives other pixels");
}

void require_part(const media::Image& image, const media::Image& whole, media::Rect region) {
  const media::ImageView expected = part_of(view_of(whole), region);
  for (int y = 0; y < image.height; ++y) {
    LOCKSTEP_ASSERT(std::equal(image.row(y), image.row(y) + image.row_bytes(), expected.row(y)), "other pixels");
  }
}

/// A rectangle in an image of this size, drawn from four numbers.
media::Rect draw_region(std::span<const std::byte, 4> choice, media::ImageSize size) {
  const auto part = [&](std::size_t i, int limit) { return std::to_integer<int>(choice[i]) * (limit - 1) / 255; };
  const int x = part(0, size.width);
  const int y = part(1, size.height);
  return {x, y, 1 + part(2, size.width - x), 1 + part(3, size.height - y)};
}

void fuzz_one(std::span<const std::byte> bytes) {
  media::ImageHeader header;
  try {
    header = media::read_image_header(bytes, "fuzzed");
  } catch (const DataError&) {
    return;
  }
  LOCKSTEP_ASSERT(header.orientation >= 1 && header.orientation <= 8, "no such orientation");
  const bool large = std::int64_t{header.size.width} * header.size.height > kMaxFuzzedPixels;
  if (large || header.format != media::Format::kJpeg) {
    return;
  }
  const auto choice = bytes.last<4>();
  const unsigned options = std::to_integer<unsigned>(choice[0] ^ choice[1] ^ choice[2] ^ choice[3]);
  media::DecodeRequest request{.mode = (options & 8U) != 0 ? media::ColorMode::kGrey : media::ColorMode::kRgb,
                               .eighths = 1 + static_cast<int>(options & 7U),
                               .padded = (options & 16U) != 0};
  const media::ImageSize size = media::reduced(header.size, request.eighths);
  media::Image whole;
  media::Image part;
  const bool decoded = decode(bytes, request, size, whole);
  request.region = draw_region(choice, size);
  const bool part_decoded = decode(bytes, request, {request.region->width, request.region->height}, part);
  require_bits_of_libjpeg(bytes, request, part_decoded, part);
  if (decoded) {
    LOCKSTEP_ASSERT(part_decoded, "the whole can be decoded and a part cannot");
    require_part(part, whole, *request.region);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size >= 4) {
    fuzz_one(std::as_bytes(std::span(data, size)));
  }
  return 0;
}
