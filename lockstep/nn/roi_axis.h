#pragma once

// Where RoI align looks along one axis of a box, the same on the processor (roi_align.cpp) and on the GPU
// (with_cuda/roi_align.cu). The weight of a pixel in a bin is the product of its weights along both axes.

#include <cmath>
#include <cstdint>

#ifdef __CUDACC__
#define LOCKSTEP_EITHER_SIDE __host__ __device__ inline
#else
#define LOCKSTEP_EITHER_SIDE inline
#endif

namespace lockstep::nn {

/// What one call is about.
struct RoiAlignShape {
  std::int64_t batch;
  std::int64_t channels;
  std::int64_t height;
  std::int64_t width;
  std::int64_t boxes;
  std::int64_t bins;            ///< a side
  std::int64_t sampling_ratio;  ///< 0: as many as a bin has pixels
  double scale;
};

/// The pixels, first … end - 1, that a bin looks at.
struct RoiRange {
  std::int32_t first;
  std::int32_t end;
};

/// Writes how much each of `length` pixels counts in one bin of the axis from `low` to `high`, in pixels of the boxes,
/// to `weights`, which hold zeros, and gives the range of those that count. A pixel's middle is at its number.
template <typename T>
LOCKSTEP_EITHER_SIDE RoiRange weigh_bin(T low, T high, const RoiAlignShape& shape, std::int64_t bin,
                                        std::int64_t length, T* weights) {
  const T scale = static_cast<T>(shape.scale);
  const T start = low * scale - static_cast<T>(0.5);
  const T bin_size = (high * scale - static_cast<T>(0.5) - start) / static_cast<T>(shape.bins);
  // Not for a box that is no number: it looks nowhere.
  const std::int64_t samples = shape.sampling_ratio > 0
                                   ? shape.sampling_ratio
                                   : (bin_size > 0 && bin_size < 1e9 ? static_cast<std::int64_t>(ceil(bin_size)) : 0);
  RoiRange range{static_cast<std::int32_t>(length), 0};
  for (std::int64_t sample = 0; sample < samples; ++sample) {
    T at = start + static_cast<T>(bin) * bin_size +
           (static_cast<T>(sample) + static_cast<T>(0.5)) * bin_size / static_cast<T>(samples);
    if (!(at >= -1 && at <= static_cast<T>(length))) {
      continue;
    }
    at = at > 0 ? at : 0;
    auto lower = static_cast<std::int32_t>(at);
    std::int32_t upper = lower + 1;
    if (lower >= static_cast<std::int32_t>(length) - 1) {
      lower = upper = static_cast<std::int32_t>(length) - 1;
      at = static_cast<T>(lower);
    }
    const T share = at - static_cast<T>(lower);
    weights[lower] += (1 - share) / static_cast<T>(samples);
    weights[upper] += share / static_cast<T>(samples);
    range.first = lower < range.first ? lower : range.first;
    range.end = upper + 1 > range.end ? upper + 1 : range.end;
  }
  return range;
}

}  // namespace lockstep::nn

#undef LOCKSTEP_EITHER_SIDE
