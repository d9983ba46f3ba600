#include "lockstep/data/color.h"

#include <algorithm>
#include <cstddef>

namespace lockstep::data {
namespace {

/// torchvision cuts off the fraction rather than rounding it.
std::uint8_t blend(float value, float other, float factor) {
  return static_cast<std::uint8_t>(std::clamp(factor * value + (1.0F - factor) * other, 0.0F, 255.0F));
}

std::uint8_t grey_of(const std::uint8_t* pixel) {
  return static_cast<std::uint8_t>(0.2989F * pixel[0] + 0.587F * pixel[1] + 0.114F * pixel[2]);
}

}  // namespace

void change_colours(std::span<std::uint8_t> pixels, const ColourChange& change) {
  const auto apply = [pixels](auto adjust, float factor) {
    if (factor != 1.0F) {
      adjust(pixels, factor);
    }
  };
  apply(adjust_brightness, change.brightness);
  apply(adjust_contrast, change.contrast);
  apply(adjust_saturation, change.saturation);
}

void adjust_brightness(std::span<std::uint8_t> pixels, float factor) {
  for (std::uint8_t& value : pixels) {
    value = blend(value, 0.0F, factor);
  }
}

void adjust_contrast(std::span<std::uint8_t> pixels, float factor) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < pixels.size(); i += 3) {
    sum += grey_of(&pixels[i]);
  }
  const std::size_t count = std::max<std::size_t>(pixels.size() / 3, 1);
  const auto mean = static_cast<float>(static_cast<double>(sum) / static_cast<double>(count));
  for (std::uint8_t& value : pixels) {
    value = blend(value, mean, factor);
  }
}

void adjust_saturation(std::span<std::uint8_t> pixels, float factor) {
  for (std::size_t i = 0; i < pixels.size(); i += 3) {
    const std::uint8_t grey = grey_of(&pixels[i]);
    for (std::size_t channel = 0; channel < 3; ++channel) {
      pixels[i + channel] = blend(pixels[i + channel], grey, factor);
    }
  }
}

}  // namespace lockstep::data
