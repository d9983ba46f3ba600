#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace lockstep::media {

/// What the values of a pixel mean; the numbers are those of the file.
enum class PngColour : std::uint8_t { kGrey = 0, kRgb = 2, kPalette = 3, kGreyAlpha = 4, kRgbAlpha = 6 };

/// How the pixels of a PNG lie in its rows.
struct PngLayout {
  int width = 0;
  int height = 0;
  int depth = 8;  ///< bits a value
  PngColour colour = PngColour::kGrey;

  int channels() const;
  bool has_colour() const { return colour != PngColour::kGrey && colour != PngColour::kGreyAlpha; }

  /// Of a row without the byte that names its filter.
  std::size_t row_bytes() const;
};

/// A PNG of the simple kinds: not interlaced, at most 8 bits a value, no transparent colours.
struct SimplePng {
  PngLayout layout{};
  std::span<const std::byte> palette{};     ///< red, green, blue, …
  std::span<const std::byte> compressed{};  ///< the zlib stream of all rows
};

/// Finds the parts of a simple PNG. `joined` gets the stream where it is scattered over several chunks, and must
/// outlive the result. Gives nothing for other kinds, for images beyond the limits or too large for their file, and for
/// whatever is wrong with chunks that libpng checks: their order, lengths and check sums. Then libpng decides, and
/// finds the words. (PNG specification, third edition, sections 5 and 11.)
std::optional<SimplePng> find_simple_png(std::span<const std::byte> bytes, std::vector<std::byte>& joined);

}  // namespace lockstep::media
