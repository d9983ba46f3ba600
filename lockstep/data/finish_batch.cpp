#include "lockstep/data/finish_batch.h"

#include <algorithm>
#include <cstddef>

#include "lockstep/base/error.h"
#include "lockstep/data/pixel_tile.h"

namespace lockstep::data {
namespace {

/// pixels: (height, width, 3) uint8; planes: (3, height, width) float32.
void finish_image(std::span<const std::uint8_t> pixels, const SampleFinish& sample, std::size_t width, float* planes) {
  const std::size_t count = pixels.size() / 3;
  const bool changes = sample.colours != ColourChange{};
  const bool turns_hue = sample.colours.hue != 0.0F;
  const bool needs_mean = sample.colours.contrast != 1.0F;
  const ColourFactors factors =
      colour_factors(sample.colours, needs_mean ? mean_grey(pixels, sample.colours.brightness) : 0.0F);
  PixelTile tile;
  for (std::size_t row = 0; row < count; row += width) {
    for (std::size_t begin = 0; begin < width; begin += tile.count) {
      tile.read(&pixels[3 * (row + begin)], std::min(PixelTile::kPixels, width - begin));
      if (turns_hue) {
        change_tile(factors, tile);
      }
      if (sample.flip) {
        std::reverse(tile.pixels.begin(), tile.pixels.begin() + static_cast<std::ptrdiff_t>(tile.count));
      }
      float* red = planes + row + (sample.flip ? width - begin - tile.count : begin);
      if (changes && !turns_hue) {
        change_and_normalise_tile(factors, tile, red, red + count, red + 2 * count);
      } else {
        normalise_tile(tile, red, red + count, red + 2 * count);
      }
    }
  }
}

}  // namespace

void finish_batch(std::span<const std::uint8_t> images, std::span<const SampleFinish> samples, BatchShape shape,
                  std::span<float> planes) {
  const auto width = static_cast<std::size_t>(shape.width);
  const std::size_t values = 3 * static_cast<std::size_t>(shape.height) * width;
  LOCKSTEP_ASSERT(shape.batch >= 0 && shape.height > 0 && shape.width > 0, "a size must be positive");
  LOCKSTEP_ASSERT(samples.size() == static_cast<std::size_t>(shape.batch), "each sample needs its changes");
  LOCKSTEP_ASSERT(images.size() == samples.size() * values && planes.size() == images.size(),
                  "the memory does not have the size of the batch");
  for (std::size_t i = 0; i < samples.size(); ++i) {
    finish_image(images.subspan(i * values, values), samples[i], width, planes.data() + i * values);
  }
}

}  // namespace lockstep::data
