#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lockstep::observe {

/// What a metric is to reach.
struct Target {
  std::string metric;
  double value = 0;
};

/// "iou=0.72" as --target takes it; throws UsageError for anything else.
Target parse_target(const std::string& words);

/// An evaluation after so many epochs.
struct MetricPoint {
  double epoch = 0;
  double metric = 0;  ///< not a number where it could not be measured; then it does not count
};

enum class Outlook {
  kReached,       ///< an evaluation was at least as good as the target
  kTooFewPoints,  ///< fewer than four evaluations
  kExpected,      ///< the curve that fits best reaches it
  kDoubtful,      ///< the curve that fits best does not reach it, but one that fits about as well does
  kNotInSight,    ///< no curve that fits reaches it within ten times the epochs so far
};

/// When a metric reaches its target, if it goes on as it has gone.
struct Forecast {
  Target target;
  Outlook outlook = Outlook::kTooFewPoints;
  std::int64_t points = 0;       ///< evaluations that count
  double epochs_done = 0;        ///< at the last evaluation
  double epoch = 0;              ///< reached: of that evaluation; expected: of the curve that fits best
  double earliest = 0;           ///< expected, doubtful: the range of 80 % confidence
  std::optional<double> latest;  ///< expected: its end; nothing where it is open
  double level = 0;              ///< doubtful, not in sight: the metric after ten times the epochs so far
  double seconds_per_epoch = 0;
};

/// Fits a - b exp(-c epoch) and a - b epoch^-c, b and c above 0, by least squares to the evaluations after the first
/// quarter of the epochs (which warm-up and a fresh network govern), but to at least four. A target that must be
/// reached at an epoch E leaves two free numbers, b and c; the range is that of all E whose best fit is, by a
/// likelihood ratio, not worse than the best of all fits at 80 % (Bates and Watts, "Nonlinear Regression", 1988,
/// chapter 6). It knows nothing of the schedule: a learning rate that falls at the end bends the curve up once more.
///
/// `evaluations` ascend by epoch, from above 0. `larger_is_better` is false for errors such as mae.
Forecast forecast(const Target& target, const std::vector<MetricPoint>& evaluations, double seconds_per_epoch,
                  bool larger_is_better = true);

/// In a line of words: "target iou=0.72: about epoch 41 (36 to 55), in 1.4 h (1.0 h to 2.6 h)". A run that ends after
/// `epochs` before it is said to, where they are given.
std::string describe(const Forecast& forecast, std::optional<std::int64_t> epochs = {});

}  // namespace lockstep::observe
