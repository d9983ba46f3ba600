#pragma once

#include <vector>

namespace lockstep::media {

/// What one axis of a result is made of: the value at position i is the sum over `t` of weight (i, t) times the value
/// at position first[i] + t of the source. The weights of a position add up to 1; those beyond its window are 0, and
/// may stand beyond the source's end.
struct FilterWindows {
  int taps = 0;                 ///< weights a position
  std::vector<int> first;       ///< (size)
  std::vector<double> weights;  ///< (size, taps)

  const double* weights_of(int position) const {
    return weights.data() + static_cast<std::size_t>(position) * static_cast<std::size_t>(taps);
  }
};

/// The windows of `size` positions over the stretch [begin, begin + length) of an axis of `source` values, from the
/// last to the first if `reversed`. The arithmetic of Pillow's `precompute_coeffs` (src/libImaging/Resample.c) with the
/// triangle filter: its half width is the factor by which it shrinks, and at least 1.
void triangle_windows(int source, double begin, double length, int size, bool reversed, FilterWindows& windows);

}  // namespace lockstep::media
