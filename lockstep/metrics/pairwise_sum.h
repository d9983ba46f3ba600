#pragma once

#include <cstdint>

namespace lockstep::metrics {

/// A rectangle of a larger row-major array of doubles.
struct DoubleView {
  const double* first = nullptr;  ///< its upper left value
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t row_stride = 0;  ///< values from one row to the next
};

/// The sum of a rectangle to the last bit as NumPy 2 gives it: blocks of up to 128 values in eight lanes, the blocks
/// added in pairs. Where the rectangle's rows are apart, as many whole rows as fit a buffer are summed at a time.
///
/// The bits matter: whether the mean of equal values comes out as exactly that value decides, in the reference
/// implementation of the S-measure, whether a flat quadrant scores 0 or 1.
double pairwise_sum(const DoubleView& view);

/// pairwise_sum() divided by the number of values; not a number where there are none.
double mean(const DoubleView& view);

}  // namespace lockstep::metrics
