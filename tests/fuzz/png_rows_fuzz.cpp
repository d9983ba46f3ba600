// The bytes are the rows of a PNG before they are deflated: the first one says what kind of PNG it is, the second one
// how wide, and in a palette how many colours there are.

#include <algorithm>
#include <array>

#include "tests/fuzz/png_differences.h"
#include "tests/support/png_builder.h"

namespace lockstep::fuzz {
namespace {

using media::PngColour;

constexpr std::array<std::pair<PngColour, int>, 11> kKinds{{{PngColour::kGrey, 1},
                                                            {PngColour::kGrey, 2},
                                                            {PngColour::kGrey, 4},
                                                            {PngColour::kGrey, 8},
                                                            {PngColour::kPalette, 1},
                                                            {PngColour::kPalette, 2},
                                                            {PngColour::kPalette, 4},
                                                            {PngColour::kPalette, 8},
                                                            {PngColour::kGreyAlpha, 8},
                                                            {PngColour::kRgb, 8},
                                                            {PngColour::kRgbAlpha, 8}}};

/// As many rows as the bytes fill. A filter that does not exist is left so only in few rows.
std::vector<std::byte> rows_of(std::span<const std::byte> bytes, media::PngLayout& layout) {
  const std::size_t row = layout.row_bytes() + 1;
  layout.height = static_cast<int>(std::max<std::size_t>(1, bytes.size() / row));
  std::vector<std::byte> rows(bytes.begin(), bytes.end());
  rows.resize(row * static_cast<std::size_t>(layout.height));
  for (std::size_t filter = 0; filter < rows.size(); filter += row) {
    const int number = std::to_integer<int>(rows[filter]);
    rows[filter] = static_cast<std::byte>(number == 255 ? number : number % 5);
  }
  return rows;
}

void decode_rows(std::span<const std::byte> bytes) {
  const auto [colour, depth] = kKinds[std::to_integer<std::size_t>(bytes[0]) % kKinds.size()];
  const int width = 1 + std::to_integer<int>(bytes[1]);
  media::PngLayout layout{width, 1, depth, colour};
  const std::vector<std::byte> rows = rows_of(bytes.subspan(2), layout);
  test::PngBuilder png;
  png.header(layout);
  if (colour == PngColour::kPalette) {
    std::vector<std::byte> palette(static_cast<std::size_t>(3 * (1 + width % (1 << depth))));
    for (std::size_t i = 0; i < palette.size(); ++i) {
      palette[i] = static_cast<std::byte>(i * 37);
    }
    png.chunk("PLTE", palette);
  }
  compare_png_decoders(png.rows(rows).end().bytes(), media::ImageSize{layout.width, layout.height});
}

}  // namespace
}  // namespace lockstep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 2) {
    lockstep::fuzz::decode_rows({reinterpret_cast<const std::byte*>(data), size});
  }
  return 0;
}
