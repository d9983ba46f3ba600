#include "lockstep/metrics/pairwise_sum.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>
#include <vector>

namespace lockstep::metrics {
namespace {

constexpr std::size_t kLanes = 8;
constexpr std::int64_t kBlock = 128;
constexpr std::int64_t kBuffer = 8192;

double sum_block(const double* values, std::size_t count) {
  std::array<double, kLanes> lanes;
  std::copy_n(values, kLanes, lanes.begin());
  std::size_t i = kLanes;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] += values[i + lane];
    }
  }
  const double sum = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
  return std::accumulate(values + i, values + count, sum);
}

double sum_run(const double* values, std::int64_t count) {
  constexpr auto kFew = static_cast<std::int64_t>(kLanes);
  if (count < kFew) {
    return std::accumulate(values, values + count, 0.0);
  }
  if (count <= kBlock) {
    return sum_block(values, static_cast<std::size_t>(count));
  }
  const std::int64_t half = count / 2 / kFew * kFew;
  return sum_run(values, half) + sum_run(values + half, count - half);
}

}  // namespace

double pairwise_sum(const DoubleView& view) {
  if (view.row_stride == view.width) {
    return sum_run(view.first, view.height * view.width);
  }
  const std::int64_t rows_at_a_time = std::max<std::int64_t>(1, kBuffer / std::max<std::int64_t>(1, view.width));
  std::vector<double> buffer;
  double sum = 0;
  for (std::int64_t top = 0; top < view.height; top += rows_at_a_time) {
    buffer.clear();
    for (std::int64_t y = top; y < std::min(view.height, top + rows_at_a_time); ++y) {
      const double* row = view.first + y * view.row_stride;
      buffer.insert(buffer.end(), row, row + view.width);
    }
    sum += sum_run(buffer.data(), static_cast<std::int64_t>(buffer.size()));
  }
  return sum;
}

double mean(const DoubleView& view) { return pairwise_sum(view) / static_cast<double>(view.height * view.width); }

}  // namespace lockstep::metrics
