#include "lockstep/data/normalise.h"

#include <algorithm>

#include "lockstep/base/error.h"
#include "lockstep/data/pixel_tile.h"

namespace lockstep::data {

void normalise(std::span<const std::uint8_t> pixels, std::span<float> planes) {
  LOCKSTEP_ASSERT(pixels.size() % 3 == 0 && planes.size() == pixels.size(), "the planes have not the pixels' size");
  const std::size_t count = pixels.size() / 3;
  PixelTile tile;
  for (std::size_t begin = 0; begin < count; begin += PixelTile::kPixels) {
    tile.read(&pixels[3 * begin], std::min(PixelTile::kPixels, count - begin));
    float* red = &planes[begin];
    normalise_tile(tile, red, red + count, red + 2 * count);
  }
}

}  // namespace lockstep::data
