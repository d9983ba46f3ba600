#pragma once

#include <cstdint>
#include <span>

namespace lockstep::data {

/// Pixels to what a network takes: (height, width, 3) uint8 to (3, height, width) float32, (level / 255 - mean) /
/// deviation with those of ImageNet, as torchvision's Normalize: red 0.485 and 0.229, green 0.456 and 0.224, blue 0.406
/// and 0.225.
void normalise(std::span<const std::uint8_t> pixels, std::span<float> planes);

}  // namespace lockstep::data
