#include "lockstep/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::optim {
namespace {

/// Half a cosine from `start` (progress 0) to `end` (progress 1).
double anneal(double start, double end, double progress) {
  return end + (start - end) / 2 * (1 + std::cos(std::numbers::pi * progress));
}

/// How far `position` is on the way from `start` to `end`; a way without length is behind us.
double progress(double position, double start, double end) {
  return end > start ? (position - start) / (end - start) : 1;
}

std::string count(const char* phase, std::int64_t done, std::int64_t steps) {
  return text(phase, ' ', done + 1, '/', steps);
}

void validate_cosine(const ScheduleOptions& options) {
  if (!(options.min_learning_rate >= 0 && options.min_learning_rate <= options.learning_rate)) {
    throw UsageError(text("--min-lr ", options.min_learning_rate, " is not between 0 and --lr ", options.learning_rate),
                     "give a --min-lr from 0 up to --lr");
  }
  if (options.warmup_steps < 0) {
    throw UsageError("--warmup-epochs is below 0", "give 0 for no warm-up");
  }
  if (options.warmup_steps > 0 && options.warmup_steps >= options.total_steps) {
    throw UsageError(text("--warmup-epochs: the warm-up takes ", options.warmup_steps, " steps, the whole run only ",
                          options.total_steps),
                     "give fewer --warmup-epochs, or a longer run");
  }
}

void validate_one_cycle(const ScheduleOptions& options) {
  if (options.warmup_steps != 0) {
    throw UsageError("--warmup-epochs does not go with --scheduler onecycle, which warms up by itself",
                     "leave out --warmup-epochs, or choose --scheduler cosine");
  }
  if (options.min_learning_rate != 0) {
    throw UsageError("--min-lr does not go with --scheduler onecycle, which ends near 0 by itself",
                     "leave out --min-lr, or choose --scheduler cosine");
  }
  LOCKSTEP_ASSERT(options.rising_share >= 0 && options.rising_share <= 1, "a share is between 0 and 1");
  LOCKSTEP_ASSERT(options.start_divisor > 0 && options.final_divisor > 0, "divisors are above 0");
}

}  // namespace

void ScheduleOptions::validate() const {
  LOCKSTEP_ASSERT(total_steps >= 1, "a run has at least one step");
  if (!(learning_rate > 0 && std::isfinite(learning_rate))) {
    throw UsageError(text("--lr ", learning_rate, " is not above 0"), "give a learning rate such as --lr 0.001");
  }
  if (kind == ScheduleKind::kCosine) {
    validate_cosine(*this);
  } else {
    validate_one_cycle(*this);
  }
}

Schedule::Schedule(const ScheduleOptions& options) : options_(options) { options_.validate(); }

ScheduleValue Schedule::at(std::int64_t step) const {
  LOCKSTEP_ASSERT(step >= 0 && step < options_.total_steps, text("step ", step, " is not a step of the run"));
  return options_.kind == ScheduleKind::kCosine ? cosine(step) : one_cycle(step);
}

ScheduleValue Schedule::cosine(std::int64_t step) const {
  ScheduleValue value;
  if (step < options_.warmup_steps) {
    value.learning_rate =
        options_.learning_rate * static_cast<double>(step + 1) / static_cast<double>(options_.warmup_steps + 1);
    value.phase = count("warm-up", step, options_.warmup_steps);
    return value;
  }
  const std::int64_t done = step - options_.warmup_steps;
  const std::int64_t steps = options_.total_steps - options_.warmup_steps;
  value.learning_rate = anneal(options_.learning_rate, options_.min_learning_rate,
                               static_cast<double>(done) / static_cast<double>(steps));
  value.phase = count("cosine", done, steps);
  return value;
}

ScheduleValue Schedule::one_cycle(std::int64_t step) const {
  const double start = options_.learning_rate / options_.start_divisor;
  const double end = start / options_.final_divisor;
  const auto position = static_cast<double>(step);
  // The peak need not fall on a step; in a run of few steps it lies before the first one.
  const double peak = options_.rising_share * static_cast<double>(options_.total_steps) - 1;
  const auto rising_steps = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor(peak)) + 1);
  ScheduleValue value;
  if (position <= peak) {
    const double way = progress(position, 0, peak);
    value.learning_rate = anneal(start, options_.learning_rate, way);
    value.momentum = anneal(options_.high_momentum, options_.low_momentum, way);
    value.phase = count("rise", step, rising_steps);
  } else {
    const double way = progress(position, peak, static_cast<double>(options_.total_steps - 1));
    value.learning_rate = anneal(options_.learning_rate, end, way);
    value.momentum = anneal(options_.low_momentum, options_.high_momentum, way);
    value.phase = count("fall", step - rising_steps, options_.total_steps - rising_steps);
  }
  return value;
}

}  // namespace lockstep::optim
