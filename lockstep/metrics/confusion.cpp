#include "lockstep/metrics/confusion.h"

#include <algorithm>
#include <cstddef>
#include <limits>

namespace lockstep::metrics {
namespace {

constexpr double kBetaSquared = 0.3;
constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

/// How well one pixel of the prediction agrees with the mask, both with their mean taken off, in 0 … 1.
double enhanced_alignment(double prediction, double mask) {
  const double alignment = 2 * prediction * mask / (prediction * prediction + mask * mask + kEpsilon);
  return (alignment + 1) * (alignment + 1) / 4;
}

double sum_of_alignment(const Confusion& c) {
  const auto hits = static_cast<double>(c.hits);
  const auto predicted = static_cast<double>(c.predicted);
  const auto object = static_cast<double>(c.object);
  const auto pixels = static_cast<double>(c.pixels);
  if (c.object == 0) {
    return pixels - predicted;
  }
  if (c.object == c.pixels) {
    return predicted;
  }
  // Only four kinds of pixels exist, so that the sum over the image has four terms.
  const double predicted_mean = predicted / pixels;
  const double object_mean = object / pixels;
  return hits * enhanced_alignment(1 - predicted_mean, 1 - object_mean) +
         (predicted - hits) * enhanced_alignment(1 - predicted_mean, -object_mean) +
         (object - hits) * enhanced_alignment(-predicted_mean, 1 - object_mean) +
         (pixels - predicted - object + hits) * enhanced_alignment(-predicted_mean, -object_mean);
}

}  // namespace

double f_measure(const Confusion& c) {
  if (c.hits == 0) {
    return 0;
  }
  const double precision = static_cast<double>(c.hits) / static_cast<double>(c.predicted);
  const double recall = static_cast<double>(c.hits) / static_cast<double>(c.object);
  return (1 + kBetaSquared) * precision * recall / (kBetaSquared * precision + recall);
}

double e_measure(const Confusion& c) { return sum_of_alignment(c) / (static_cast<double>(c.pixels - 1) + kEpsilon); }

double intersection_over_union(const Confusion& c, double both_empty) {
  const std::int64_t together = c.predicted + c.object - c.hits;
  return together == 0 ? both_empty : static_cast<double>(c.hits) / static_cast<double>(together);
}

double dice_coefficient(const Confusion& c, double both_empty) {
  const std::int64_t both = c.predicted + c.object;
  return both == 0 ? both_empty : 2 * static_cast<double>(c.hits) / static_cast<double>(both);
}

Confusion confusion_at(const SaliencyPair& pair, double threshold) {
  Confusion confusion{0, 0, pair.object_pixels, pair.pixels()};
  for (std::size_t i = 0; i < pair.prediction.size(); ++i) {
    const bool predicted = pair.prediction[i] >= threshold;
    confusion.predicted += predicted ? 1 : 0;
    confusion.hits += predicted ? pair.object[i] : 0;
  }
  return confusion;
}

std::array<Confusion, kThresholds> confusion_by_level(const SaliencyPair& pair) {
  std::array<Confusion, kThresholds> curve;
  for (std::size_t i = 0; i < pair.prediction.size(); ++i) {
    const int level = static_cast<int>(pair.prediction[i] * 255);
    Confusion& bin = curve[static_cast<std::size_t>(kThresholds - 1 - level)];
    bin.predicted += 1;
    bin.hits += pair.object[i];
  }
  Confusion above{0, 0, pair.object_pixels, pair.pixels()};
  for (Confusion& point : curve) {
    above.hits += point.hits;
    above.predicted += point.predicted;
    point = above;
  }
  return curve;
}

double adaptive_threshold(const SaliencyPair& pair) {
  return std::min(2 * mean(pair.view(0, pair.height, 0, pair.width)), 1.0);
}

}  // namespace lockstep::metrics
