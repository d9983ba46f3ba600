#include "lockstep/optim/schedule.h"

#include <cmath>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/optim/schedule_curves.h"

namespace lockstep::optim {

Schedule::Schedule(const ScheduleOptions& options) : options_(options) {
  LOCKSTEP_ASSERT(options.total_steps >= 1, "a run has at least one step");
  LOCKSTEP_ASSERT(options.warmup_steps >= 0 && options.warmup_steps < options.total_steps, "the warm-up ends in time");
  LOCKSTEP_ASSERT(options.learning_rate > 0 && std::isfinite(options.learning_rate), "a learning rate is above 0");
  LOCKSTEP_ASSERT(options.min_learning_rate >= 0 && options.min_learning_rate <= options.learning_rate,
                  "the smallest learning rate is not above the highest");
  LOCKSTEP_ASSERT(options.restart_steps >= 1 && options.restart_factor >= 1, "a fall has steps, and never fewer");
  LOCKSTEP_ASSERT(options.rising_share >= 0 && options.rising_share <= 1, "a share is between 0 and 1");
  LOCKSTEP_ASSERT(options.start_divisor > 0 && options.final_divisor > 0, "divisors are above 0");
  LOCKSTEP_ASSERT(options.step_length >= 1, "a level has at least one step");
}

ScheduleValue Schedule::at(std::int64_t step, const PlateauState& plateau) const {
  LOCKSTEP_ASSERT(step >= 0 && step < options_.total_steps, text("step ", step, " is not a step of the run"));
  return step < options_.warmup_steps ? warm_up(step) : after_warm_up(step - options_.warmup_steps, plateau);
}

PlateauState Schedule::observed(std::int64_t steps_done, double metric, const PlateauState& plateau) const {
  const bool counts = options_.kind == ScheduleKind::kPlateau && steps_done >= options_.warmup_steps;
  return counts ? optim::observed(options_.plateau, plateau, metric) : plateau;
}

ScheduleValue Schedule::warm_up(std::int64_t step) const {
  const bool cycles = options_.kind == ScheduleKind::kOneCycle;
  const double end = cycles ? options_.learning_rate / options_.start_divisor : options_.learning_rate;
  ScheduleValue value;
  value.learning_rate = end * static_cast<double>(step + 1) / static_cast<double>(options_.warmup_steps + 1);
  value.momentum = after_warm_up(0, {}).momentum;
  value.phase = count_phase("warm-up", step, options_.warmup_steps);
  return value;
}

ScheduleValue Schedule::after_warm_up(std::int64_t done, const PlateauState& plateau) const {
  const std::int64_t steps = options_.total_steps - options_.warmup_steps;
  switch (options_.kind) {
    case ScheduleKind::kConstant:
      return {options_.learning_rate, {}, count_phase("constant", done, steps)};
    case ScheduleKind::kCosine:
      return cosine(options_, done, steps);
    case ScheduleKind::kRestarts:
      return restarts(options_, done);
    case ScheduleKind::kOneCycle:
      return one_cycle(options_, done, steps);
    case ScheduleKind::kPolynomial:
      return polynomial(options_, done, steps);
    case ScheduleKind::kStep:
      return falling_steps(options_, done);
    case ScheduleKind::kPlateau:
      return on_plateau(options_, plateau);
  }
  LOCKSTEP_ASSERT(false, "unknown schedule");
}

}  // namespace lockstep::optim
