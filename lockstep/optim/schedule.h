#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lockstep/optim/plateau.h"

namespace lockstep::optim {

enum class ScheduleKind {
  kConstant,    ///< the learning rate as it is
  kCosine,      ///< half a cosine down
  kRestarts,    ///< half a cosine down, again and again
  kOneCycle,    ///< up and down again, the momentum the other way
  kPolynomial,  ///< down to zero by a power of the steps that are left
  kStep,        ///< down by a factor after each so many steps
  kPlateau,     ///< down by a factor where the metric no longer rises
};

/// A schedule in steps (`in_steps` makes it of what a user says in epochs). Each kind has a linear warm-up in front of
/// it where `warmup_steps` is above 0.
struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::kCosine;
  double learning_rate = 1e-3;      ///< the highest that is reached
  double min_learning_rate = 0;     ///< cosine, restarts: what each fall ends near; plateau: the lowest
  std::int64_t warmup_steps = 0;    ///< fewer than total_steps
  std::int64_t total_steps = 1;     ///< steps of the run (or of the stage), warm-up included
  std::int64_t restart_steps = 1;   ///< restarts: steps of the first fall (T_0)
  std::int64_t restart_factor = 1;  ///< restarts: how many times as long each next fall is (T_mult)
  double rising_share = 0.3;        ///< one-cycle: the part of the steps in which the learning rate rises (pct_start)
  double start_divisor = 25;        ///< one-cycle: it starts at the learning rate divided by this (div_factor)
  double final_divisor = 1e4;       ///< one-cycle: it ends at the start divided by this (final_div_factor)
  double low_momentum = 0.85;       ///< one-cycle: at the highest learning rate; Adam's beta1
  double high_momentum = 0.95;      ///< one-cycle: at the start and at the end
  double power = 1;                 ///< polynomial
  std::int64_t step_length = 1;     ///< step: steps between two falls (step_size)
  double gamma = 0.1;               ///< step: what the learning rate is multiplied by
  PlateauOptions plateau;
};

/// What a step uses.
struct ScheduleValue {
  double learning_rate = 0;
  std::optional<double> momentum;  ///< replaces Adam's beta1; not set where the schedule leaves it alone
  std::string phase;               ///< for people, such as "warm-up 3/10"
};

/// The learning rate as a function of the step, so that a resumed run needs no state of it; that of a plateau is a
/// function of the step and of what the evaluations have led to. The numbers are PyTorch's: SequentialLR of
/// LinearLR(start_factor=1/(warmup_steps + 1), total_iters=warmup_steps) and, over the other steps,
///
/// - cosine: CosineAnnealingLR. Loshchilov and Hutter, "SGDR", ICLR 2017.
/// - restarts: CosineAnnealingWarmRestarts, of the same paper.
/// - one-cycle: OneCycleLR(anneal_strategy="cos", three_phase=False). Smith and Topin, "Super-convergence", 2018.
/// - polynomial: PolynomialLR.
/// - step: StepLR.
/// - plateau: ReduceLROnPlateau(mode="max").
///
/// The first step therefore already learns, and the first one after the warm-up has the schedule's first learning rate:
/// the full one, or that at which one-cycle starts. Beta1 of one-cycle keeps its first value during the warm-up.
class Schedule {
 public:
  explicit Schedule(const ScheduleOptions& options);

  const ScheduleOptions& options() const { return options_; }

  /// `step` counts from 0 and is below total_steps; `plateau` is what `observed` has given, and matters to no other
  /// kind.
  ScheduleValue at(std::int64_t step, const PlateauState& plateau = {}) const;

  /// The plateau's state after an evaluation that was made when `steps_done` were done. Evaluations before the end of
  /// the warm-up do not count; nothing changes for other kinds.
  PlateauState observed(std::int64_t steps_done, double metric, const PlateauState& plateau) const;

 private:
  ScheduleValue warm_up(std::int64_t step) const;
  ScheduleValue after_warm_up(std::int64_t done, const PlateauState& plateau) const;

  ScheduleOptions options_;
};

}  // namespace lockstep::optim
