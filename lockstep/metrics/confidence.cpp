#include "lockstep/metrics/confidence.h"

#include <cmath>
#include <limits>

#include "lockstep/base/error.h"

namespace lockstep::metrics {
namespace {

/// The continued fraction of the incomplete beta function, by Lentz's method (Abramowitz and Stegun, 26.5.8). It
/// converges fast for x < (a + 1) / (a + b + 2).
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  constexpr int kMostTerms = 10000;
  const auto kept_off_zero = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };
  double c = 1;
  double d = 1 / kept_off_zero(1 - (a + b) * x / (a + 1));
  double result = d;
  for (int m = 1; m <= kMostTerms; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    double change = 1;
    for (const double term : {even, odd}) {
      d = 1 / kept_off_zero(1 + term * d);
      c = kept_off_zero(1 + term / c);
      change = d * c;
      result *= change;
    }
    if (std::abs(change - 1) < std::numeric_limits<double>::epsilon()) {
      break;
    }
  }
  return result;
}

/// The regularised incomplete beta function I_x(a, b), x in (0, 1).
double incomplete_beta(double a, double b, double x) {
  const double front =
      std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
  return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/// The chance that Student's t lies farther from 0 than t, t > 0.
double chance_beyond(double t, double degrees) {
  return incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t));
}

}  // namespace

double student_t_975(std::size_t degrees_of_freedom) {
  LOCKSTEP_ASSERT(degrees_of_freedom > 0, "Student's t needs a degree of freedom");
  constexpr double kBeyond = 0.05;  // on both sides together
  const auto degrees = static_cast<double>(degrees_of_freedom);
  double low = 1;
  double high = 16;  // of one degree it is 12.7
  constexpr int kHalvings = 60;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    (chance_beyond(middle, degrees) > kBeyond ? low : high) = middle;
  }
  return (low + high) / 2;
}

MeanInterval mean_interval(std::span<const double> values) {
  LOCKSTEP_ASSERT(!values.empty(), "the mean of no values");
  const auto count = static_cast<double>(values.size());
  double sum = 0;
  for (const double value : values) {
    sum += value;
  }
  const double mean = sum / count;
  if (values.size() == 1) {
    return {mean, std::numeric_limits<double>::quiet_NaN()};
  }
  double squares = 0;
  for (const double value : values) {
    squares += (value - mean) * (value - mean);
  }
  return {mean, student_t_975(values.size() - 1) * std::sqrt(squares / (count - 1) / count)};
}

}  // namespace lockstep::metrics
