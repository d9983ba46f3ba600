#include "lockstep/data/color.h"

#include <algorithm>

#include "lockstep/base/error.h"
#include "lockstep/data/pixel_tile.h"

namespace lockstep::data {

void change_colours(std::span<std::uint8_t> pixels, const ColourChange& change) {
  LOCKSTEP_ASSERT(change.brightness >= 0 && change.contrast >= 0 && change.saturation >= 0, "a factor is 0 or more");
  LOCKSTEP_ASSERT(change.hue >= -0.5F && change.hue <= 0.5F, "a hue turns by half a turn at most");
  if (change == ColourChange{}) {
    return;
  }
  const float mean = change.contrast == 1.0F ? 0.0F : mean_grey(pixels, change.brightness);
  const ColourFactors factors = colour_factors(change, mean);
  PixelTile tile;
  for (std::size_t begin = 0; begin < pixels.size(); begin += 3 * PixelTile::kPixels) {
    tile.read(&pixels[begin], std::min(PixelTile::kPixels, (pixels.size() - begin) / 3));
    change_tile(factors, tile);
    tile.write(&pixels[begin]);
  }
}

void adjust_brightness(std::span<std::uint8_t> pixels, float factor) { change_colours(pixels, {.brightness = factor}); }

void adjust_contrast(std::span<std::uint8_t> pixels, float factor) { change_colours(pixels, {.contrast = factor}); }

void adjust_saturation(std::span<std::uint8_t> pixels, float factor) { change_colours(pixels, {.saturation = factor}); }

void adjust_hue(std::span<std::uint8_t> pixels, float turns) { change_colours(pixels, {.hue = turns}); }

}  // namespace lockstep::data
