#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lockstep/parallel/arena.h"

namespace lockstep::optim {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  std::vector<double> weight_decay = {0.01, 0.0};  ///< one an option group of the arena
};

/// AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019) over the arena: the numbers of
/// torch.optim.AdamW, in a few fused calls over whole runs of parameters. A parameter that got no gradient in a step
/// does not move, and its step count stands still, as in PyTorch where its gradient is None.
class AdamW {
 public:
  AdamW(parallel::Arena& arena, AdamWOptions options);

  /// One update with the gradients in the arena. `beta1` stands apart since a schedule may move it.
  void step(double learning_rate, double beta1);

  const AdamWOptions& options() const { return options_; }

  /// The state by parameter name: "exp_avg.NAME" and "exp_avg_sq.NAME" (elements) float32 and "step.NAME" () float32.
  std::vector<std::pair<std::string, at::Tensor>> state() const;

  /// Takes up a state; throws DataError, naming the tensor, where it is not that of this arena.
  void load_state(const std::map<std::string, at::Tensor>& state);

 private:
  struct Moments {
    at::Tensor mean;                  // (elements) float32
    at::Tensor square;                // (elements) float32
    std::vector<std::int64_t> steps;  ///< updates of each slot
  };

  parallel::Arena& arena_;
  AdamWOptions options_;
  std::vector<Moments> moments_;  ///< one a bucket
};

}  // namespace lockstep::optim
