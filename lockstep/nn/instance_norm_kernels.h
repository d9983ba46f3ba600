#pragma once

#include <cstddef>
#include <cstdint>

namespace lockstep::nn {

// The arithmetic of an instance norm on the processor, over rows of channels: a volume whose channels lie beside each
// other. Values are float, or the upper half of one (bfloat16) as its bits. Each result is the same bits on every
// x86-64 processor.

/// A run of places, each with its channels beside each other.
template <typename T>
struct Rows {
  const T* values = nullptr;
  std::size_t count = 0;     ///< of places
  std::size_t channels = 0;  ///< of each
};

/// Adds to `sums` and `squares`, one a channel, the values minus `origin`, one a channel, and their squares: near the
/// mean little is lost.
void add_moments(const Rows<float>& x, const float* origin, float* sums, float* squares);
void add_moments(const Rows<std::uint16_t>& x, const float* origin, float* sums, float* squares);

/// y = leaky_relu(x · scale + shift + residual), scale and shift one a channel; `residual` may be null.
void scale_and_activate(const Rows<float>& x, const float* scale, const float* shift, const float* residual,
                        float slope, float* y);
void scale_and_activate(const Rows<std::uint16_t>& x, const float* scale, const float* shift,
                        const std::uint16_t* residual, float slope, std::uint16_t* y);

/// What backward sums up. With d the gradient of what was activated, that is `gradient` where y > 0 and slope times
/// that elsewhere: adds d to `sums`, and d · (x - origin) to `products`.
void add_gradient_sums(const Rows<float>& x, const float* y, const float* gradient, const float* origin, float slope,
                       float* sums, float* products);
void add_gradient_sums(const Rows<std::uint16_t>& x, const std::uint16_t* y, const std::uint16_t* gradient,
                       const float* origin, float slope, float* sums, float* products);

/// The gradient of x, d · by_gradient + x · by_value + constant, all of them one a channel; that of the residual is d,
/// and `of_residual` may be null.
template <typename T>
struct GradientTargets {
  T* of_input = nullptr;
  T* of_residual = nullptr;
};
void input_gradient(const Rows<float>& x, const float* y, const float* gradient, const float* by_gradient,
                    const float* by_value, const float* constant, float slope, const GradientTargets<float>& targets);
void input_gradient(const Rows<std::uint16_t>& x, const std::uint16_t* y, const std::uint16_t* gradient,
                    const float* by_gradient, const float* by_value, const float* constant, float slope,
                    const GradientTargets<std::uint16_t>& targets);

}  // namespace lockstep::nn
