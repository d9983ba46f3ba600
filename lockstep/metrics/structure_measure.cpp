#include "lockstep/metrics/structure_measure.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace lockstep::metrics {
namespace {

constexpr double kAlpha = 0.5;
constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

/// How bright and even the values are.
double evenness(const std::vector<double>& values) {
  const auto count = static_cast<double>(values.size());
  const auto width = static_cast<std::int64_t>(values.size());
  const double average = mean({values.data(), 1, width, width});
  double squares = 0;
  for (const double value : values) {
    squares += (value - average) * (value - average);
  }
  const double deviation = values.size() > 1 ? std::sqrt(squares / (count - 1)) : 0;
  return 2 * average / (average * average + 1 + deviation + kEpsilon);
}

double object_similarity(const SaliencyPair& pair) {
  std::vector<double> foreground;
  std::vector<double> background;
  foreground.reserve(static_cast<std::size_t>(pair.object_pixels));
  background.reserve(static_cast<std::size_t>(pair.pixels() - pair.object_pixels));
  for (std::size_t i = 0; i < pair.prediction.size(); ++i) {
    if (pair.object[i] != 0) {
      foreground.push_back(pair.prediction[i]);
    } else {
      background.push_back(1 - pair.prediction[i]);
    }
  }
  const double share = static_cast<double>(pair.object_pixels) / static_cast<double>(pair.pixels());
  return evenness(foreground) * share + evenness(background) * (1 - share);
}

/// Structural similarity of prediction and mask in rows [top, bottom) and columns [left, right).
double structural_similarity(const SaliencyPair& pair, std::int64_t top, std::int64_t bottom, std::int64_t left,
                             std::int64_t right) {
  const auto count = static_cast<double>((bottom - top) * (right - left));
  std::int64_t object_pixels = 0;
  for (std::int64_t y = top; y < bottom; ++y) {
    object_pixels += std::count(&pair.object[0] + pair.at(y, left), &pair.object[0] + pair.at(y, right), 1);
  }
  const double prediction_mean = mean(pair.view(top, bottom, left, right));
  const double object_mean = static_cast<double>(object_pixels) / count;
  double prediction_squares = 0;
  double object_squares = 0;
  double products = 0;
  for (std::int64_t y = top; y < bottom; ++y) {
    for (std::int64_t x = left; x < right; ++x) {
      const auto i = static_cast<std::size_t>(pair.at(y, x));
      const double prediction = pair.prediction[i] - prediction_mean;
      const double object = pair.object[i] - object_mean;
      prediction_squares += prediction * prediction;
      object_squares += object * object;
      products += prediction * object;
    }
  }
  const double degrees = count - 1 + kEpsilon;
  const double together = 4 * prediction_mean * object_mean * products / degrees;
  const double apart = (prediction_mean * prediction_mean + object_mean * object_mean) *
                       (prediction_squares / degrees + object_squares / degrees);
  if (together != 0) {
    return together / (apart + kEpsilon);
  }
  return apart == 0 ? 1 : 0;
}

double region_similarity(const SaliencyPair& pair) {
  double y_sum = 0;
  double x_sum = 0;
  for (std::int64_t y = 0; y < pair.height; ++y) {
    for (std::int64_t x = 0; x < pair.width; ++x) {
      if (pair.object[static_cast<std::size_t>(pair.at(y, x))] != 0) {
        y_sum += static_cast<double>(y);
        x_sum += static_cast<double>(x);
      }
    }
  }
  // The quadrants to the left and above include the centre; halves round to the even neighbour.
  const auto object_pixels = static_cast<double>(pair.object_pixels);
  const auto y_cut = static_cast<std::int64_t>(std::nearbyint(y_sum / object_pixels)) + 1;
  const auto x_cut = static_cast<std::int64_t>(std::nearbyint(x_sum / object_pixels)) + 1;

  const auto weighted = [&pair](std::int64_t top, std::int64_t bottom, std::int64_t left, std::int64_t right) {
    const std::int64_t area = (bottom - top) * (right - left);
    if (area == 0) {
      return 0.0;
    }
    return structural_similarity(pair, top, bottom, left, right) * static_cast<double>(area) /
           static_cast<double>(pair.pixels());
  };
  return weighted(0, y_cut, 0, x_cut) + weighted(0, y_cut, x_cut, pair.width) + weighted(y_cut, pair.height, 0, x_cut) +
         weighted(y_cut, pair.height, x_cut, pair.width);
}

}  // namespace

double structure_measure(const SaliencyPair& pair) {
  if (pair.object_pixels == 0) {
    return 1 - mean(pair.view(0, pair.height, 0, pair.width));
  }
  if (pair.object_pixels == pair.pixels()) {
    return mean(pair.view(0, pair.height, 0, pair.width));
  }
  return std::max(0.0, kAlpha * object_similarity(pair) + (1 - kAlpha) * region_similarity(pair));
}

}  // namespace lockstep::metrics
