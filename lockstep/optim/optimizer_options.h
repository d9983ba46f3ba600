#pragma once

#include <optional>
#include <vector>

namespace lockstep::optim {

enum class OptimizerKind {
  kAdamW,  ///< weight decay apart from the gradient (Loshchilov and Hutter, ICLR 2019)
  kAdam,   ///< weight decay as a part of the gradient (Kingma and Ba, ICLR 2015)
  kSgd,    ///< with momentum, also Nesterov's (Sutskever et al., ICML 2013), or plain
};

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::kAdamW;
  double beta1 = 0.9;                              ///< AdamW and Adam
  double beta2 = 0.999;                            ///< AdamW and Adam
  double epsilon = 1e-8;                           ///< AdamW and Adam
  double momentum = 0.9;                           ///< SGD; 0 for none
  bool nesterov = false;                           ///< SGD
  std::vector<double> weight_decay = {0.01, 0.0};  ///< one an option group of the arena

  /// Throws UsageError, naming the option (by its flag, where it has one), where it leaves its range or contradicts
  /// another.
  void validate() const;
};

/// What one update uses beside the gradients.
struct Update {
  double learning_rate = 0;
  std::optional<double> momentum;  ///< replaces Adam's beta1 or SGD's momentum
  double gradient_factor = 1;      ///< every gradient is multiplied by it first: to unscale and to clip
};

}  // namespace lockstep::optim
