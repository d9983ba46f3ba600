#include "lockstep/observe/forecast.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/observe/saturating_curve.h"

namespace lockstep::observe {
namespace {

constexpr std::size_t kFewestPoints = 4;
constexpr double kHorizon = 10;  ///< how many times the epochs so far a forecast looks ahead
constexpr int kEpochsTried = 400;

/// The two-sided 80 % quantile of Student's t.
double student_t(std::size_t degrees) {
  constexpr std::array<double, 10> kQuantiles = {3.078, 1.886, 1.638, 1.533, 1.476, 1.440, 1.415, 1.397, 1.383, 1.372};
  return degrees <= kQuantiles.size() ? kQuantiles[degrees - 1] : 1.282 + 0.9 / static_cast<double>(degrees);
}

/// Those after the first quarter of the epochs, or the last four.
std::vector<MetricPoint> settled(const std::vector<MetricPoint>& points) {
  const double quarter = points.back().epoch / 4;
  const auto after = std::ranges::find_if(points, [&](const MetricPoint& point) { return point.epoch > quarter; });
  return {std::min(after, points.end() - kFewestPoints), points.end()};
}

double spread_of(const std::vector<MetricPoint>& points) {
  const auto [low, high] = std::ranges::minmax(points, {}, &MetricPoint::metric);
  return high.metric - low.metric;
}

/// The largest sum of squares that is not worse than the best, `least`, at 80 %. No metric follows such a
/// curve to the last digit, so that even a perfect fit has some play.
double bearable(double least, const std::vector<MetricPoint>& points) {
  constexpr double kPlay = 5e-3;  // of the points' spread
  const std::size_t degrees = points.size() - 3;
  const double play = kPlay * spread_of(points);
  const double variance = std::max(least / static_cast<double>(degrees), play * play);
  const double t = student_t(degrees);
  return least + t * t * variance;
}

/// Fills in outlook and epochs for a metric of which more is better.
void look_ahead(Forecast& result, const std::vector<MetricPoint>& evaluations, double target) {
  const std::vector<MetricPoint> points = settled(evaluations);
  const CurveFamilies curves(points);
  const BestCurve best = curves.best();
  const double now = points.back().epoch;
  const double limit = bearable(best.squares, points);
  const double step = std::pow(kHorizon, 1.0 / kEpochsTried);
  double least = std::numeric_limits<double>::infinity();
  double first = 0;
  double last = 0;
  double epoch = now;
  for (int i = 0; i <= kEpochsTried; ++i, epoch *= step) {
    const double squares = curves.least_squares_through(epoch, target);
    if (squares <= limit) {
      first = first == 0 ? epoch : first;
      last = epoch;
    }
    if (squares < least) {
      least = squares;
      result.epoch = epoch;
    }
  }
  result.level = best.at(kHorizon * now);
  if (first == 0) {
    result.outlook = Outlook::kNotInSight;
    return;
  }
  result.outlook = result.level >= target ? Outlook::kExpected : Outlook::kDoubtful;
  // The ends lie between an epoch that was tried and its neighbour.
  result.earliest = std::max(now, first / step);
  if (last * step < kHorizon * now) {
    result.latest = last * step;
  }
}

std::string number(const char* pattern, double value) {
  char digits[32];
  std::snprintf(digits, sizeof digits, pattern, value);
  return digits;
}

std::string epoch_number(double epoch) { return number("%.0f", std::ceil(epoch - 1e-9)); }

/// "1.4 h", "12 min" until an epoch ends.
std::string time_until(const Forecast& forecast, double epoch) {
  const double seconds = std::max(0.0, std::ceil(epoch - 1e-9) - forecast.epochs_done) * forecast.seconds_per_epoch;
  return seconds < 3600 ? number("%.0f min", seconds / 60) : number("%.1f h", seconds / 3600);
}

std::string describe_expected(const Forecast& forecast, std::optional<std::int64_t> epochs) {
  const std::string latest = forecast.latest ? " to " + epoch_number(*forecast.latest) : " or later";
  const std::string latest_time = forecast.latest ? " to " + time_until(forecast, *forecast.latest) : " or more";
  std::string words =
      text("about epoch ", epoch_number(forecast.epoch), " (", epoch_number(forecast.earliest), latest, "), in ",
           time_until(forecast, forecast.epoch), " (", time_until(forecast, forecast.earliest), latest_time, ")");
  if (epochs && forecast.epoch > static_cast<double>(*epochs)) {
    words += text("; the run ends before it, after epoch ", *epochs);
  }
  return words;
}

}  // namespace

Target parse_target(const std::string& words) {
  const std::size_t equals = words.find('=');
  Target target{words.substr(0, equals), 0};
  const char* begin = words.data() + std::min(equals, words.size() - 1) + 1;
  const char* end = words.data() + words.size();
  const auto [stop, error] = std::from_chars(begin, end, target.value);
  if (equals == std::string::npos || equals == 0 || error != std::errc{} || stop != end ||
      !std::isfinite(target.value)) {
    throw UsageError(text("--target '", words, "' is not a metric and its value"),
                     "give one such as --target iou=0.72");
  }
  return target;
}

Forecast forecast(const Target& target, const std::vector<MetricPoint>& evaluations, double seconds_per_epoch,
                  bool larger_is_better) {
  const double sign = larger_is_better ? 1 : -1;
  std::vector<MetricPoint> points;
  for (const MetricPoint& point : evaluations) {
    if (std::isfinite(point.metric)) {
      points.push_back({point.epoch, sign * point.metric});
    }
  }
  Forecast result;
  result.target = target;
  result.points = static_cast<std::int64_t>(points.size());
  result.seconds_per_epoch = seconds_per_epoch;
  result.epochs_done = evaluations.empty() ? 0 : evaluations.back().epoch;
  const auto reached =
      std::ranges::find_if(points, [&](const MetricPoint& point) { return point.metric >= sign * target.value; });
  if (reached != points.end()) {
    result.outlook = Outlook::kReached;
    result.epoch = reached->epoch;
  } else if (points.size() >= kFewestPoints) {
    look_ahead(result, points, sign * target.value);
    result.level *= sign;
  }
  return result;
}

std::string describe(const Forecast& forecast, std::optional<std::int64_t> epochs) {
  const std::string words = text("target ", forecast.target.metric, '=', forecast.target.value, ": ");
  const std::string level = text(number("%.4f", forecast.level), " after ", kHorizon, " times the epochs so far");
  switch (forecast.outlook) {
    case Outlook::kReached:
      return text(words, "reached in epoch ", epoch_number(forecast.epoch));
    case Outlook::kTooFewPoints:
      return text(words, "no forecast yet, with ", forecast.points, " of ", kFewestPoints, " evaluations");
    case Outlook::kExpected:
      return words + describe_expected(forecast, epochs);
    case Outlook::kDoubtful:
      return text(words, "epoch ", epoch_number(forecast.earliest), " at the earliest, in ",
                  time_until(forecast, forecast.earliest), ", and perhaps never: the curve leads to ", level);
    case Outlook::kNotInSight:
      return text(words, "not in sight: the curve leads to ", level);
  }
  LOCKSTEP_ASSERT(false, "unknown outlook");
}

}  // namespace lockstep::observe
