#pragma once

namespace lockstep::optim {

/// As the arguments of torch.amp.GradScaler.
struct LossScalerOptions {
  double initial_scale = 65536;
  double growth_factor = 2;
  double backoff_factor = 0.5;
  int growth_interval = 2000;  ///< applied updates in a row before the scale grows

  /// Asserts that every option is in its range: no flag sets them.
  void validate() const;
};

/// What a run saves of it.
struct LossScalerState {
  double scale = 1;        ///< a float32 value
  int growth_tracker = 0;  ///< applied updates since the scale last changed

  bool operator==(const LossScalerState&) const = default;
};

/// Dynamic loss scaling for float16: the loss is multiplied by a scale that keeps small gradients from vanishing. It
/// shrinks when gradients overflow, in which case the update is skipped, and grows after many updates without. The
/// numbers are those of torch.amp.GradScaler, step by step. Micikevicius et al., "Mixed precision training", 2018.
class LossScaler {
 public:
  explicit LossScaler(const LossScalerOptions& options);

  /// What the loss of every pass of the step is multiplied by; gradients are divided by it before the update.
  double scale() const { return state_.scale; }

  /// At the end of a step. `found_inf` says whether its gradients, summed over all passes and ranks, were not finite
  /// and the update was therefore skipped.
  void update(bool found_inf);

  const LossScalerState& state() const { return state_; }
  void load_state(const LossScalerState& state) { state_ = state; }

 private:
  LossScalerOptions options_;
  LossScalerState state_;
};

}  // namespace lockstep::optim
