#include "lockstep/metrics/weighted_f_measure.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "lockstep/metrics/distance_transform.h"

namespace lockstep::metrics {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr std::int64_t kRadius = 3;  // of the Gaussian, in pixels
constexpr double kSigma = 5;         // of the Gaussian, in pixels
constexpr double kHalfDistance = 5;  // pixels from the object in which half of the additional weight is reached

std::array<double, 2 * kRadius + 1> gaussian() {
  std::array<double, 2 * kRadius + 1> kernel;
  double sum = 0;
  for (std::int64_t i = -kRadius; i <= kRadius; ++i) {
    const double weight = std::exp(-static_cast<double>(i * i) / (2 * kSigma * kSigma));
    kernel[static_cast<std::size_t>(i + kRadius)] = weight;
    sum += weight;
  }
  for (double& weight : kernel) {
    weight /= sum;
  }
  return kernel;
}

/// The image blurred by the Gaussian, zero outside the image. The two-dimensional Gaussian is a product, so that a pass
/// over rows and one over columns give it.
std::vector<double> blur(const std::vector<double>& image, std::int64_t width, std::int64_t height) {
  const std::array<double, 2 * kRadius + 1> kernel = gaussian();
  std::vector<double> across(image.size(), 0.0);
  std::vector<double> blurred(image.size(), 0.0);
  for (std::int64_t offset = -kRadius; offset <= kRadius; ++offset) {
    const double weight = kernel[static_cast<std::size_t>(offset + kRadius)];
    const std::int64_t first = std::max<std::int64_t>(0, -offset);
    const std::int64_t last = std::min(width, width - offset);
    for (std::int64_t y = 0; y < height; ++y) {
      const double* from = image.data() + y * width + offset;
      double* to = across.data() + y * width;
      for (std::int64_t x = first; x < last; ++x) {
        to[x] += weight * from[x];
      }
    }
  }
  for (std::int64_t y = 0; y < height; ++y) {
    double* to = blurred.data() + y * width;
    for (std::int64_t source = std::max<std::int64_t>(0, y - kRadius); source <= std::min(height - 1, y + kRadius);
         ++source) {
      const double weight = kernel[static_cast<std::size_t>(source - y + kRadius)];
      const double* from = across.data() + source * width;
      for (std::int64_t x = 0; x < width; ++x) {
        to[x] += weight * from[x];
      }
    }
  }
  return blurred;
}

}  // namespace

double weighted_f_measure(const SaliencyPair& pair) {
  if (pair.object_pixels == 0) {
    return 0;
  }
  const std::size_t pixels = pair.prediction.size();
  std::vector<double> error(pixels);
  for (std::size_t i = 0; i < pixels; ++i) {
    error[i] = std::abs(pair.prediction[i] - pair.object[i]);
  }
  // The background takes the error of the nearest object pixel, so that the blur does not mix in what is outside.
  const NearestPixels nearest = nearest_marked_pixels(pair.object, pair.width, pair.height);
  std::vector<double> object_error(pixels);
  for (std::size_t i = 0; i < pixels; ++i) {
    object_error[i] = error[static_cast<std::size_t>(nearest.index[i])];
  }
  const std::vector<double> blurred = blur(object_error, pair.width, pair.height);

  double misses = 0;
  double false_alarms = 0;
  for (std::size_t i = 0; i < pixels; ++i) {
    if (pair.object[i] != 0) {
      misses += std::min(error[i], blurred[i]);
    } else if (error[i] != 0) {
      const double distance = std::sqrt(static_cast<double>(nearest.squared_distance[i]));
      false_alarms += error[i] * (2 - std::exp2(-distance / kHalfDistance));
    }
  }
  const auto object_pixels = static_cast<double>(pair.object_pixels);
  const double hits = object_pixels - misses;
  const double recall = 1 - misses / object_pixels;
  const double precision = hits / (hits + false_alarms + kEpsilon);
  return 2 * recall * precision / (recall + precision + kEpsilon);
}

}  // namespace lockstep::metrics
