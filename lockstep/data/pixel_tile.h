#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "lockstep/data/color.h"
#include "lockstep/data/colour_arithmetic.h"

namespace lockstep::data {

/// A few pixels on their way through one change after the other, in the processor's nearest cache: one a 32-bit number,
/// red in the lowest byte. The highest byte has no meaning.
struct PixelTile {
  static constexpr std::size_t kPixels = 1024;

  std::array<std::uint32_t, kPixels> pixels;
  std::size_t count = 0;

  /// pixels: (count, 3) uint8, at most kPixels of them.
  void read(const std::uint8_t* source, std::size_t pixel_count);
  void write(std::uint8_t* destination) const;  // (count, 3) uint8
};

/// The sum of the greys after a change of brightness.
std::uint32_t sum_of_greys(const PixelTile& tile, float brightness);

/// The mean grey of all pixels, (pixels, 3) uint8, after a change of brightness.
float mean_grey(std::span<const std::uint8_t> pixels, float brightness);

/// mean: as from mean_grey; without a change of contrast it has no effect.
ColourFactors colour_factors(const ColourChange& change, float mean);

/// Brightness, contrast, saturation, and the hue if it changes.
void change_tile(const ColourFactors& factors, PixelTile& tile);

/// Writes the tile to three planes, normalised.
void normalise_tile(const PixelTile& tile, float* red, float* green, float* blue);

/// The same of the changed tile, which need not be written first. The hue must stay as it is.
void change_and_normalise_tile(const ColourFactors& factors, const PixelTile& tile, float* red, float* green,
                               float* blue);

}  // namespace lockstep::data
