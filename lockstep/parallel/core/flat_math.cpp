#include "lockstep/parallel/core/flat_math.h"

#include <array>

#include "lockstep/base/simd.h"

namespace lockstep::parallel {
namespace {

// So many sums run beside each other that no addition waits for the one before it.
constexpr std::size_t kLanes = 32;

/// Lane l gets the values l, l + kLanes, …; `count` is a multiple of kLanes.
LOCKSTEP_SIMD void add_squares(const float* values, std::size_t count, double* sums) {
  for (std::size_t first = 0; first < count; first += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const auto value = static_cast<double>(values[first + lane]);
      sums[lane] += value * value;
    }
  }
}

}  // namespace

double sum_of_squares(std::span<const float> values) {
  std::array<double, kLanes> sums = {};
  const std::size_t whole = values.size() / kLanes * kLanes;
  add_squares(values.data(), whole, sums.data());
  for (std::size_t i = whole; i < values.size(); ++i) {
    sums[i - whole] += static_cast<double>(values[i]) * values[i];
  }
  for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::size_t lane = 0; lane < half; ++lane) {
      sums[lane] += sums[lane + half];
    }
  }
  return sums[0];
}

}  // namespace lockstep::parallel
