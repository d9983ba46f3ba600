#include "lockstep/data/pixel_tile.h"

#include <algorithm>
#include <cstring>

#include "lockstep/base/error.h"
#include "lockstep/base/simd.h"

namespace lockstep::data {
namespace {

inline Levels levels_of(std::uint32_t pixel) {
  const auto level = [pixel](unsigned shift) { return static_cast<float>(static_cast<int>((pixel >> shift) & 255U)); };
  return {level(0), level(8), level(16)};
}

inline std::uint32_t pixel_of(Levels levels) {
  return static_cast<std::uint32_t>(static_cast<int>(levels.red) | static_cast<int>(levels.green) << 8 |
                                    static_cast<int>(levels.blue) << 16);
}

LOCKSTEP_SIMD void change_pixels(const ColourFactors& factors, std::size_t count, std::uint32_t* pixels) {
  const ColourFactors f = factors;  // a copy that the pixels cannot overlap with
  for (std::size_t i = 0; i < count; ++i) {
    pixels[i] = pixel_of(change_pixel(levels_of(pixels[i]), f));
  }
}

LOCKSTEP_SIMD void turn_hues(float sixths, std::size_t count, std::uint32_t* pixels) {
  for (std::size_t i = 0; i < count; ++i) {
    pixels[i] = pixel_of(turn_hue(levels_of(pixels[i]), sixths));
  }
}

LOCKSTEP_SIMD std::uint32_t add_greys(const std::uint32_t* pixels, std::size_t count, float brightness) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    sum += static_cast<std::uint32_t>(static_cast<int>(grey_of(change_brightness(levels_of(pixels[i]), brightness))));
  }
  return sum;
}

inline Levels normalised(Levels levels) {
  constexpr Normalisation kBy;
  return {levels.red * kBy.scale[0] + kBy.offset[0], levels.green * kBy.scale[1] + kBy.offset[1],
          levels.blue * kBy.scale[2] + kBy.offset[2]};
}

LOCKSTEP_SIMD void normalise_pixels(const std::uint32_t* __restrict pixels, std::size_t count, float* __restrict red,
                                    float* __restrict green, float* __restrict blue) {
  for (std::size_t i = 0; i < count; ++i) {
    const Levels values = normalised(levels_of(pixels[i]));
    red[i] = values.red;
    green[i] = values.green;
    blue[i] = values.blue;
  }
}

LOCKSTEP_SIMD void change_and_normalise_pixels(const ColourFactors& factors, const std::uint32_t* __restrict pixels,
                                               std::size_t count, float* __restrict red, float* __restrict green,
                                               float* __restrict blue) {
  const ColourFactors f = factors;  // a copy that the planes cannot overlap with
  for (std::size_t i = 0; i < count; ++i) {
    const Levels values = normalised(change_pixel(levels_of(pixels[i]), f));
    red[i] = values.red;
    green[i] = values.green;
    blue[i] = values.blue;
  }
}

inline std::uint32_t word_at(const std::uint8_t* bytes) {
  std::uint32_t word = 0;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

inline void put_word(std::uint32_t word, std::uint8_t* bytes) { std::memcpy(bytes, &word, sizeof(word)); }

/// Four pixels of 3 bytes are three words.
LOCKSTEP_SIMD void unpack_pixels(const std::uint8_t* __restrict source, std::size_t fours,
                                 std::uint32_t* __restrict pixels) {
  for (std::size_t i = 0; i < fours; ++i) {
    const std::uint32_t a = word_at(source + 12 * i);
    const std::uint32_t b = word_at(source + 12 * i + 4);
    const std::uint32_t c = word_at(source + 12 * i + 8);
    pixels[4 * i] = a;
    pixels[4 * i + 1] = a >> 24U | b << 8U;
    pixels[4 * i + 2] = b >> 16U | c << 16U;
    pixels[4 * i + 3] = c >> 8U;
  }
}

LOCKSTEP_SIMD void pack_pixels(const std::uint32_t* __restrict pixels, std::size_t fours,
                               std::uint8_t* __restrict destination) {
  for (std::size_t i = 0; i < fours; ++i) {
    const std::uint32_t* p = pixels + 4 * i;
    put_word((p[0] & 0xFFFFFFU) | p[1] << 24U, destination + 12 * i);
    put_word((p[1] >> 8U & 0xFFFFU) | p[2] << 16U, destination + 12 * i + 4);
    put_word((p[2] >> 16U & 0xFFU) | p[3] << 8U, destination + 12 * i + 8);
  }
}

}  // namespace

void PixelTile::read(const std::uint8_t* source, std::size_t pixel_count) {
  count = pixel_count;
  const std::size_t whole = count / 4;
  unpack_pixels(source, whole, pixels.data());
  for (std::size_t i = 4 * whole; i < count; ++i) {
    std::memcpy(&pixels[i], source + 3 * i, 3);
  }
}

void PixelTile::write(std::uint8_t* destination) const {
  const std::size_t whole = count / 4;
  pack_pixels(pixels.data(), whole, destination);
  for (std::size_t i = 4 * whole; i < count; ++i) {
    std::memcpy(destination + 3 * i, &pixels[i], 3);
  }
}

std::uint32_t sum_of_greys(const PixelTile& tile, float brightness) {
  return add_greys(tile.pixels.data(), tile.count, brightness);
}

float mean_grey(std::span<const std::uint8_t> pixels, float brightness) {
  const std::size_t count = pixels.size() / 3;
  std::uint64_t sum = 0;
  PixelTile tile;
  for (std::size_t begin = 0; begin < count; begin += PixelTile::kPixels) {
    tile.read(pixels.data() + 3 * begin, std::min(PixelTile::kPixels, count - begin));
    sum += sum_of_greys(tile, brightness);
  }
  return static_cast<float>(static_cast<double>(sum) / static_cast<double>(std::max<std::size_t>(count, 1)));
}

ColourFactors colour_factors(const ColourChange& change, float mean) {
  return {.brightness = change.brightness,
          .contrast = change.contrast,
          .mean_share = (1.0F - change.contrast) * mean,
          .saturation = change.saturation,
          .grey_share = 1.0F - change.saturation,
          .hue = 6.0F * change.hue};
}

void change_tile(const ColourFactors& factors, PixelTile& tile) {
  change_pixels(factors, tile.count, tile.pixels.data());
  if (factors.hue != 0.0F) {
    turn_hues(factors.hue, tile.count, tile.pixels.data());
  }
}

void normalise_tile(const PixelTile& tile, float* red, float* green, float* blue) {
  normalise_pixels(tile.pixels.data(), tile.count, red, green, blue);
}

void change_and_normalise_tile(const ColourFactors& factors, const PixelTile& tile, float* red, float* green,
                               float* blue) {
  LOCKSTEP_ASSERT(factors.hue == 0.0F, "a turn of the hue is a pass of its own");
  change_and_normalise_pixels(factors, tile.pixels.data(), tile.count, red, green, blue);
}

}  // namespace lockstep::data
