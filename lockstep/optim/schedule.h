#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lockstep::optim {

enum class ScheduleKind {
  kCosine,    ///< linear warm-up, then half a cosine down
  kOneCycle,  ///< up and down again, the momentum the other way
};

struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::kCosine;
  double learning_rate = 1e-3;    ///< the highest that is reached
  double min_learning_rate = 0;   ///< cosine: what it ends near
  std::int64_t warmup_steps = 0;  ///< cosine: steps before the full learning rate
  std::int64_t total_steps = 1;   ///< steps of the run, warm-up included
  double rising_share = 0.3;      ///< one-cycle: the part of the steps in which the learning rate rises (pct_start)
  double start_divisor = 25;      ///< one-cycle: it starts at the learning rate divided by this (div_factor)
  double final_divisor = 1e4;     ///< one-cycle: it ends at the start divided by this (final_div_factor)
  double low_momentum = 0.85;     ///< one-cycle: at the highest learning rate; Adam's beta1
  double high_momentum = 0.95;    ///< one-cycle: at the start and at the end

  /// Throws UsageError, naming the flag, where the options contradict each other or leave their range.
  void validate() const;
};

/// What a step uses.
struct ScheduleValue {
  double learning_rate = 0;
  std::optional<double> momentum;  ///< replaces Adam's beta1; not set where the schedule leaves it alone
  std::string phase;               ///< for people, such as "warm-up 3/10"
};

/// The learning rate as a function of the step, so that a resumed run needs no state of it. The numbers are PyTorch's:
///
/// Cosine: SequentialLR of LinearLR(start_factor=1/(warmup_steps + 1), total_iters=warmup_steps) and
/// CosineAnnealingLR(T_max=total_steps - warmup_steps, eta_min=min_learning_rate). The first step therefore already
/// learns, and the first one after the warm-up has the full learning rate. Loshchilov and Hutter, ICLR 2017.
///
/// One-cycle: OneCycleLR(anneal_strategy="cos", three_phase=False). Smith and Topin, "Super-convergence", 2018.
class Schedule {
 public:
  /// Throws what validate() throws.
  explicit Schedule(const ScheduleOptions& options);

  /// `step` counts from 0 and is below total_steps.
  ScheduleValue at(std::int64_t step) const;

 private:
  ScheduleValue cosine(std::int64_t step) const;
  ScheduleValue one_cycle(std::int64_t step) const;

  ScheduleOptions options_;
};

}  // namespace lockstep::optim
