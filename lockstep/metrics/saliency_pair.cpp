#include "lockstep/metrics/saliency_pair.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "lockstep/base/error.h"

namespace lockstep::metrics {
namespace {

/// What each grey level becomes.
std::array<double, 256> stretch(std::span<const std::uint8_t> grey) {
  const auto [darkest, brightest] = std::minmax_element(grey.begin(), grey.end());
  const double low = *darkest / 255.0;
  const double high = *brightest / 255.0;
  std::array<double, 256> table;
  for (std::size_t level = 0; level < table.size(); ++level) {
    const double value = static_cast<double>(level) / 255.0;
    table[level] = high > low ? (value - low) / (high - low) : value;
  }
  return table;
}

}  // namespace

SaliencyPair::SaliencyPair(std::span<const std::uint8_t> grey_prediction, std::span<const std::uint8_t> mask,
                           int width_in_pixels, int height_in_pixels)
    : width(width_in_pixels), height(height_in_pixels) {
  LOCKSTEP_ASSERT(width > 0 && height > 0, "an image needs pixels");
  const auto count = static_cast<std::size_t>(pixels());
  LOCKSTEP_ASSERT(grey_prediction.size() == count && mask.size() == count, "prediction and mask must have one size");
  const std::array<double, 256> table = stretch(grey_prediction);
  prediction.resize(count);
  object.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    prediction[i] = table[grey_prediction[i]];
    object[i] = mask[i] > 128 ? 1 : 0;
  }
  object_pixels = std::count(object.begin(), object.end(), 1);
}

DoubleView SaliencyPair::view(std::int64_t top, std::int64_t bottom, std::int64_t left, std::int64_t right) const {
  return {prediction.data() + at(top, left), bottom - top, right - left, width};
}

double mean_absolute_error(const SaliencyPair& pair) {
  double sum = 0;
  for (std::size_t i = 0; i < pair.prediction.size(); ++i) {
    sum += std::abs(pair.prediction[i] - pair.object[i]);
  }
  return sum / static_cast<double>(pair.pixels());
}

}  // namespace lockstep::metrics
