#pragma once

#include <cstddef>
#include <cstdint>

namespace lockstep::media {

/// The brightness of a colour by ITU-R 601-2, in 16-bit fixed point, rounded.
constexpr std::uint8_t luma(unsigned red, unsigned green, unsigned blue) {
  return static_cast<std::uint8_t>((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16);
}

/// Writes `count` pixels with other channels: from grey (1) or RGB (3) to grey, RGB, or RGB and a byte of 255 (4).
/// Colour becomes grey by `luma`.
void convert_pixels(const std::uint8_t* source, int source_channels, std::uint8_t* target, int target_channels,
                    std::size_t count);

}  // namespace lockstep::media
