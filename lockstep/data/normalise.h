#pragma once

#include <cstdint>
#include <span>

namespace lockstep::data {

/// Turns pixels of red, green, blue, (pixels, 3) uint8, into planes, (3, pixels) float32, with the mean and the
/// deviation of ImageNet taken out: (level / 255 - mean) / deviation.
void normalise(std::span<const std::uint8_t> pixels, std::span<float> planes);

}  // namespace lockstep::data
