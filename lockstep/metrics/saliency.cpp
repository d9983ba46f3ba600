#include "lockstep/metrics/saliency.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <numeric>

#include "lockstep/base/error.h"
#include "lockstep/metrics/confusion.h"
#include "lockstep/metrics/saliency_pair.h"
#include "lockstep/metrics/structure_measure.h"
#include "lockstep/metrics/weighted_f_measure.h"

namespace lockstep::metrics {
namespace {

// A record: one number for each of these names, then the F-measure curve, then the E-measure curve. The curves are kept
// because the maximum is taken of their mean over the images.
constexpr std::array kScalars{"s_measure", "weighted_f", "adaptive_f", "adaptive_e", "mae",
                              "iou",       "dice",       "mean_iou",   "mean_dice"};
constexpr std::size_t kFCurve = kScalars.size();
constexpr std::size_t kECurve = kFCurve + kThresholds;
constexpr std::size_t kRecordLength = kECurve + kThresholds;

/// The confusion at 0.5 of the prediction before it is stretched.
Confusion confusion_at_half(std::span<const std::uint8_t> prediction, const SaliencyPair& pair) {
  Confusion confusion{0, 0, pair.object_pixels, pair.pixels()};
  for (std::size_t i = 0; i < prediction.size(); ++i) {
    const int predicted = prediction[i] >= 128 ? 1 : 0;
    confusion.predicted += predicted;
    confusion.hits += predicted & pair.object[i];
  }
  return confusion;
}

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

std::vector<double> saliency_record(std::span<const std::uint8_t> prediction, std::span<const std::uint8_t> mask,
                                    int width, int height) {
  const SaliencyPair pair(prediction, mask, width, height);
  const Confusion half = confusion_at_half(prediction, pair);
  const Confusion adaptive = confusion_at(pair, adaptive_threshold(pair));
  std::vector<double> f_curve;
  std::vector<double> e_curve;
  double iou_sum = 0;
  double dice_sum = 0;
  for (const Confusion& point : confusion_by_level(pair)) {
    f_curve.push_back(f_measure(point));
    e_curve.push_back(e_measure(point));
    iou_sum += intersection_over_union(point, 0);
    dice_sum += dice_coefficient(point, 0);
  }
  // In the order of kScalars.
  std::vector<double> record{structure_measure(pair),   weighted_f_measure(pair),  f_measure(adaptive),
                             e_measure(adaptive),       mean_absolute_error(pair), intersection_over_union(half, 1),
                             dice_coefficient(half, 1), iou_sum / kThresholds,     dice_sum / kThresholds};
  record.insert(record.end(), f_curve.begin(), f_curve.end());
  record.insert(record.end(), e_curve.begin(), e_curve.end());
  return record;
}

std::int64_t saliency_record_length() { return static_cast<std::int64_t>(kRecordLength); }

std::map<std::string, double> summarise_saliency(std::span<const std::vector<double>> records) {
  if (records.empty()) {
    return {};
  }
  std::vector<double> means(kRecordLength, 0.0);
  for (const std::vector<double>& record : records) {
    LOCKSTEP_ASSERT(record.size() == kRecordLength, "not a record of saliency_record()");
    std::transform(means.begin(), means.end(), record.begin(), means.begin(), std::plus<>());
  }
  for (double& value : means) {
    value /= static_cast<double>(records.size());
  }
  std::map<std::string, double> metrics;
  for (std::size_t i = 0; i < kScalars.size(); ++i) {
    metrics[kScalars[i]] = means[i];
  }
  const std::span<const double> f_curve = std::span(means).subspan(kFCurve, kThresholds);
  const std::span<const double> e_curve = std::span(means).subspan(kECurve, kThresholds);
  metrics["mean_f"] = mean_of(f_curve);
  metrics["max_f"] = *std::max_element(f_curve.begin(), f_curve.end());
  metrics["mean_e"] = mean_of(e_curve);
  metrics["max_e"] = *std::max_element(e_curve.begin(), e_curve.end());
  return metrics;
}

}  // namespace lockstep::metrics
