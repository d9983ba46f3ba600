#include "lockstep/nn/instance_norm_kernels.h"

#include <bit>

#include "lockstep/base/simd.h"

namespace lockstep::nn {
namespace {

#define LOCKSTEP_INLINE inline __attribute__((always_inline))

LOCKSTEP_INLINE float widened(float value) { return value; }
LOCKSTEP_INLINE float widened(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
}

LOCKSTEP_INLINE void store(float value, float& target) { target = value; }

/// To the nearest, of two that are as near to the even one; what is no number stays none.
LOCKSTEP_INLINE void store(float value, std::uint16_t& target) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U;
  target = static_cast<std::uint16_t>((bits & 0x7FFFFFFFU) > 0x7F800000U ? 0x7FC0U : rounded);
}

template <typename T>
LOCKSTEP_INLINE void add_moments_of(const Rows<T>& x, const float* __restrict origin, float* __restrict sums,
                                    float* __restrict squares) {
  const T* __restrict value = x.values;
  const std::size_t channels = x.channels;
  for (std::size_t row = 0; row < x.count; ++row, value += channels) {
    for (std::size_t c = 0; c < channels; ++c) {
      const float difference = widened(value[c]) - origin[c];
      sums[c] += difference;
      squares[c] += difference * difference;
    }
  }
}

template <typename T, bool kHasResidual>
LOCKSTEP_INLINE void scale_and_activate_rows(const Rows<T>& x, const float* __restrict scale,
                                             const float* __restrict shift, const T* __restrict residual, float slope,
                                             T* __restrict y) {
  const T* __restrict value = x.values;
  const std::size_t channels = x.channels;
  for (std::size_t row = 0; row < x.count; ++row, value += channels, y += channels) {
    for (std::size_t c = 0; c < channels; ++c) {
      float result = widened(value[c]) * scale[c] + shift[c];
      if constexpr (kHasResidual) {
        result += widened(residual[c]);
      }
      store(result > 0 ? result : result * slope, y[c]);
    }
    if constexpr (kHasResidual) {
      residual += channels;
    }
  }
}

template <typename T>
LOCKSTEP_INLINE void scale_and_activate_of(const Rows<T>& x, const float* scale, const float* shift, const T* residual,
                                           float slope, T* y) {
  if (residual != nullptr) {
    scale_and_activate_rows<T, true>(x, scale, shift, residual, slope, y);
  } else {
    scale_and_activate_rows<T, false>(x, scale, shift, nullptr, slope, y);
  }
}

template <typename T>
LOCKSTEP_INLINE void add_gradient_sums_of(const Rows<T>& x, const T* __restrict y, const T* __restrict gradient,
                                          const float* __restrict origin, float slope, float* __restrict sums,
                                          float* __restrict products) {
  const T* __restrict value = x.values;
  const std::size_t channels = x.channels;
  for (std::size_t row = 0; row < x.count; ++row, value += channels, y += channels, gradient += channels) {
    for (std::size_t c = 0; c < channels; ++c) {
      const float activated = widened(gradient[c]) * (widened(y[c]) > 0 ? 1.0F : slope);
      sums[c] += activated;
      products[c] += activated * (widened(value[c]) - origin[c]);
    }
  }
}

template <typename T, bool kHasResidual>
LOCKSTEP_INLINE void input_gradient_rows(const Rows<T>& x, const T* __restrict y, const T* __restrict gradient,
                                         const float* __restrict by_gradient, const float* __restrict by_value,
                                         const float* __restrict constant, float slope, T* __restrict of_input,
                                         T* __restrict of_residual) {
  const T* __restrict value = x.values;
  const std::size_t channels = x.channels;
  for (std::size_t row = 0; row < x.count; ++row) {
    for (std::size_t c = 0; c < channels; ++c) {
      const float activated = widened(gradient[c]) * (widened(y[c]) > 0 ? 1.0F : slope);
      store(activated * by_gradient[c] + widened(value[c]) * by_value[c] + constant[c], of_input[c]);
      if constexpr (kHasResidual) {
        store(activated, of_residual[c]);
      }
    }
    value += channels;
    y += channels;
    gradient += channels;
    of_input += channels;
    if constexpr (kHasResidual) {
      of_residual += channels;
    }
  }
}

template <typename T>
LOCKSTEP_INLINE void input_gradient_of(const Rows<T>& x, const T* y, const T* gradient, const float* by_gradient,
                                       const float* by_value, const float* constant, float slope,
                                       const GradientTargets<T>& targets) {
  if (targets.of_residual != nullptr) {
    input_gradient_rows<T, true>(x, y, gradient, by_gradient, by_value, constant, slope, targets.of_input,
                                 targets.of_residual);
  } else {
    input_gradient_rows<T, false>(x, y, gradient, by_gradient, by_value, constant, slope, targets.of_input, nullptr);
  }
}

}  // namespace

LOCKSTEP_SIMD void add_moments(const Rows<float>& x, const float* origin, float* sums, float* squares) {
  add_moments_of(x, origin, sums, squares);
}

LOCKSTEP_SIMD void add_moments(const Rows<std::uint16_t>& x, const float* origin, float* sums, float* squares) {
  add_moments_of(x, origin, sums, squares);
}

LOCKSTEP_SIMD void scale_and_activate(const Rows<float>& x, const float* scale, const float* shift,
                                      const float* residual, float slope, float* y) {
  scale_and_activate_of(x, scale, shift, residual, slope, y);
}

LOCKSTEP_SIMD void scale_and_activate(const Rows<std::uint16_t>& x, const float* scale, const float* shift,
                                      const std::uint16_t* residual, float slope, std::uint16_t* y) {
  scale_and_activate_of(x, scale, shift, residual, slope, y);
}

LOCKSTEP_SIMD void add_gradient_sums(const Rows<float>& x, const float* y, const float* gradient, const float* origin,
                                     float slope, float* sums, float* products) {
  add_gradient_sums_of(x, y, gradient, origin, slope, sums, products);
}

LOCKSTEP_SIMD void add_gradient_sums(const Rows<std::uint16_t>& x, const std::uint16_t* y,
                                     const std::uint16_t* gradient, const float* origin, float slope, float* sums,
                                     float* products) {
  add_gradient_sums_of(x, y, gradient, origin, slope, sums, products);
}

LOCKSTEP_SIMD void input_gradient(const Rows<float>& x, const float* y, const float* gradient, const float* by_gradient,
                                  const float* by_value, const float* constant, float slope,
                                  const GradientTargets<float>& targets) {
  input_gradient_of(x, y, gradient, by_gradient, by_value, constant, slope, targets);
}

LOCKSTEP_SIMD void input_gradient(const Rows<std::uint16_t>& x, const std::uint16_t* y, const std::uint16_t* gradient,
                                  const float* by_gradient, const float* by_value, const float* constant, float slope,
                                  const GradientTargets<std::uint16_t>& targets) {
  input_gradient_of(x, y, gradient, by_gradient, by_value, constant, slope, targets);
}

}  // namespace lockstep::nn
