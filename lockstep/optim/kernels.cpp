#include "lockstep/optim/kernels.h"

#include <cmath>

#include "lockstep/base/simd.h"

namespace lockstep::optim {
namespace {

inline float between(float start, float end, float weight) {
  return weight < 0.5F ? start + weight * (end - start) : end - (end - start) * (1 - weight);
}

}  // namespace

LOCKSTEP_SIMD void adam(const AdamFactors& factors, std::size_t count, float* __restrict values,
                        const float* __restrict gradients, float* __restrict mean, float* __restrict square) {
  const AdamFactors f = factors;  // a copy that the arrays cannot overlap with
  for (std::size_t i = 0; i < count; ++i) {
    const float gradient = gradients[i] * f.gradient + values[i] * f.l2;
    mean[i] = between(mean[i], gradient, f.mean_weight);
    square[i] = square[i] * f.square_decay + gradient * gradient * f.square_weight;
    values[i] = values[i] * f.shrink - f.step_size * (mean[i] / (std::sqrt(square[i]) + f.epsilon));
  }
}

LOCKSTEP_SIMD void sgd_with_momentum(const SgdFactors& factors, std::size_t count, float* __restrict values,
                                     const float* __restrict gradients, float* __restrict velocity) {
  const SgdFactors f = factors;
  for (std::size_t i = 0; i < count; ++i) {
    const float gradient = gradients[i] * f.gradient + values[i] * f.l2;
    velocity[i] = velocity[i] * f.momentum + gradient;
    const float direction = f.nesterov ? gradient + velocity[i] * f.momentum : velocity[i];
    values[i] -= direction * f.learning_rate;
  }
}

LOCKSTEP_SIMD void plain_sgd(const SgdFactors& factors, std::size_t count, float* __restrict values,
                             const float* __restrict gradients) {
  const SgdFactors f = factors;
  for (std::size_t i = 0; i < count; ++i) {
    values[i] -= (gradients[i] * f.gradient + values[i] * f.l2) * f.learning_rate;
  }
}

LOCKSTEP_SIMD void lerp(float weight, std::size_t count, float* __restrict average, const float* __restrict values) {
  for (std::size_t i = 0; i < count; ++i) {
    average[i] = between(average[i], values[i], weight);
  }
}

}  // namespace lockstep::optim
