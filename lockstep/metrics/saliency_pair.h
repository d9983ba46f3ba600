#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lockstep/metrics/pairwise_sum.h"

namespace lockstep::metrics {

/// A prediction and its mask as the saliency metrics see them. Arrays are row-major (height, width).
struct SaliencyPair {
  /// The prediction's grey levels are stretched so that its darkest pixel becomes 0 and its brightest 1; a prediction
  /// of one level only is divided by 255. Mask levels above 128 are object. Both spans hold width * height bytes.
  SaliencyPair(std::span<const std::uint8_t> grey_prediction, std::span<const std::uint8_t> mask, int width_in_pixels,
               int height_in_pixels);

  std::int64_t pixels() const { return width * height; }
  std::int64_t at(std::int64_t y, std::int64_t x) const { return y * width + x; }

  /// The prediction's pixels in rows [top, bottom) and columns [left, right).
  DoubleView view(std::int64_t top, std::int64_t bottom, std::int64_t left, std::int64_t right) const;

  std::int64_t width;
  std::int64_t height;
  std::vector<double> prediction;    ///< 0 … 1
  std::vector<std::uint8_t> object;  ///< 1 on the object, 0 elsewhere
  std::int64_t object_pixels;
};

/// Mean over the pixels of |prediction - mask|: 0 is best.
/// Perazzi et al., "Saliency filters: contrast based filtering for salient region detection", CVPR 2012.
double mean_absolute_error(const SaliencyPair& pair);

}  // namespace lockstep::metrics
