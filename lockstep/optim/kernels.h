#pragma once

#include <cstddef>

namespace lockstep::optim {

// The arithmetic of the update on the processor, over flat arrays that do not overlap. Element i of a result depends on
// element i of the inputs alone and is the same bits wherever it lies, however long the arrays are, and whichever
// x86-64 processor computes it.

/// What one update of Adam or AdamW does to a parameter. The formulas are those of torch.optim, with the bias
/// corrections drawn out of the loop (Kingma and Ba, "Adam", 2015, end of section 2).
struct AdamFactors {
  float gradient = 1;       ///< the gradient is multiplied by it
  float l2 = 0;             ///< so much of the value is added to the gradient (Adam's weight decay)
  float shrink = 1;         ///< the value is multiplied by it first (AdamW's weight decay)
  float mean_weight = 0;    ///< of the gradient in the first moment: 1 - beta1
  float square_decay = 0;   ///< of the second moment: beta2
  float square_weight = 0;  ///< of the squared gradient in it: 1 - beta2
  float step_size = 0;      ///< learning rate · √(1 - beta2ᵗ) / (1 - beta1ᵗ)
  float epsilon = 0;        ///< epsilon · √(1 - beta2ᵗ)
};
void adam(const AdamFactors& factors, std::size_t count, float* values, const float* gradients, float* mean,
          float* square);

/// What one update of SGD does to a parameter.
struct SgdFactors {
  float gradient = 1;  ///< the gradient is multiplied by it
  float l2 = 0;        ///< so much of the value is added to the gradient
  float momentum = 0;  ///< of the velocity
  float learning_rate = 0;
  bool nesterov = false;  ///< step along the gradient and the velocity after this one, not along the velocity
};
void sgd_with_momentum(const SgdFactors& factors, std::size_t count, float* values, const float* gradients,
                       float* velocity);

/// `momentum` and `nesterov` do not matter.
void plain_sgd(const SgdFactors& factors, std::size_t count, float* values, const float* gradients);

/// average += weight · (values - average), computed from the nearer end, as at::lerp does.
void lerp(float weight, std::size_t count, float* average, const float* values);

}  // namespace lockstep::optim
