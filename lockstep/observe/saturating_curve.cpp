#include "lockstep/observe/saturating_curve.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lockstep/base/error.h"

namespace lockstep::observe {
namespace {

constexpr int kRates = 160;  ///< of each family

/// From a curve that is nearly a line over the points to one that is level after the first of them.
std::vector<Bend> all_bends() {
  constexpr double kSlowestDecay = 0.3;
  constexpr double kFastestDecay = 60;
  constexpr double kSlowestPower = 0.1;
  constexpr double kFastestPower = 4;
  std::vector<Bend> bends;
  for (int i = 0; i < kRates; ++i) {
    const double way = static_cast<double>(i) / (kRates - 1);
    bends.push_back({false, kSlowestDecay * std::pow(kFastestDecay / kSlowestDecay, way)});
    bends.push_back({true, kSlowestPower * std::pow(kFastestPower / kSlowestPower, way)});
  }
  return bends;
}

}  // namespace

double Bend::at(double u) const { return is_power ? std::pow(u, -rate) : std::exp(-rate * u); }

double BestCurve::at(double epoch) const { return level - drop * bend.at(epoch / scale); }

CurveFamilies::CurveFamilies(const std::vector<MetricPoint>& points)
    : scale_(points.back().epoch), count_(static_cast<double>(points.size())) {
  LOCKSTEP_ASSERT(points.size() >= 4 && points.front().epoch > 0, "four evaluations after epoch 0");
  for (const MetricPoint& point : points) {
    mean_metric_ += point.metric / count_;
  }
  for (const MetricPoint& point : points) {
    metric_squares_ += (point.metric - mean_metric_) * (point.metric - mean_metric_);
  }
  for (const Bend& bend : all_bends()) {
    Sums sums{bend, 0, 0, 0};
    for (const MetricPoint& point : points) {
      sums.mean += bend.at(point.epoch / scale_) / count_;
    }
    for (const MetricPoint& point : points) {
      const double g = bend.at(point.epoch / scale_) - sums.mean;
      sums.squares += g * g;
      sums.with_metric += g * (point.metric - mean_metric_);
    }
    bends_.push_back(sums);
  }
}

BestCurve CurveFamilies::best() const {
  BestCurve best;
  best.scale = scale_;
  best.squares = std::numeric_limits<double>::infinity();
  for (const Sums& sums : bends_) {
    const double drop = std::max(0.0, -sums.with_metric / sums.squares);
    const double squares = std::max(0.0, metric_squares_ + drop * (2 * sums.with_metric + drop * sums.squares));
    if (squares < best.squares) {
      best = {mean_metric_ + drop * sums.mean, drop, scale_, sums.bend, squares};
    }
  }
  return best;
}

double CurveFamilies::least_squares_through(double epoch, double metric) const {
  double least = std::numeric_limits<double>::infinity();
  const double offset = mean_metric_ - metric;
  for (const Sums& sums : bends_) {
    // The curve is metric - drop * (g - g(epoch)): what is left of the points is a line through the origin in h.
    const double mean_h = sums.mean - sums.bend.at(epoch / scale_);
    const double h_squares = sums.squares + count_ * mean_h * mean_h;
    const double h_with_rest = sums.with_metric + count_ * mean_h * offset;
    const double drop = std::max(0.0, -h_with_rest / h_squares);
    const double rest_squares = metric_squares_ + count_ * offset * offset;
    least = std::min(least, rest_squares + drop * (2 * h_with_rest + drop * h_squares));
  }
  return std::max(0.0, least);
}

}  // namespace lockstep::observe
