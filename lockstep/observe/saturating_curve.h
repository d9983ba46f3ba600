#pragma once

#include <vector>

#include "lockstep/observe/forecast.h"

namespace lockstep::observe {

/// How a curve bends: exp(-rate * u), or u^-rate, with u the epoch by the last epoch of the points.
struct Bend {
  bool is_power = false;
  double rate = 1;

  double at(double u) const;
};

/// level - drop * bend(epoch / scale), with drop at least 0: a metric that rises ever more slowly towards a level.
struct BestCurve {
  double level = 0;
  double drop = 0;
  double scale = 1;  ///< epochs
  Bend bend;
  double squares = 0;  ///< the sum of squared differences from the points

  double at(double epoch) const;
};

/// Both families of curves, over a grid of rates, fitted to points. For a given bend a fit is linear, and needs only
/// sums that are taken once.
class CurveFamilies {
 public:
  /// At least four points, the last at an epoch above 0.
  explicit CurveFamilies(const std::vector<MetricPoint>& points);

  /// The curve with the least sum of squares.
  BestCurve best() const;

  /// The least sum of squares of the curves that are at `metric` at an epoch.
  double least_squares_through(double epoch, double metric) const;

 private:
  /// A bend's values g at the points and what is needed of them; means are over the points.
  struct Sums {
    Bend bend;
    double mean;         ///< of g
    double squares;      ///< sum of (g - mean)²
    double with_metric;  ///< sum of (g - mean)(metric - mean metric)
  };

  double scale_;  ///< epochs
  double count_ = 0;
  double mean_metric_ = 0;
  double metric_squares_ = 0;  ///< sum of (metric - mean metric)²
  std::vector<Sums> bends_;
};

}  // namespace lockstep::observe
