#include "lockstep/optim/schedule_curves.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "lockstep/base/text.h"

namespace lockstep::optim {
namespace {

using std::numbers::pi;

/// Half a cosine from the learning rate down, at `done` of `steps`.
double fall(const ScheduleOptions& options, std::int64_t done, std::int64_t steps) {
  const double angle = pi * static_cast<double>(done) / static_cast<double>(steps);
  return options.min_learning_rate + (options.learning_rate - options.min_learning_rate) * (1 + std::cos(angle)) / 2;
}

/// Half a cosine from `start` (way 0) to `end` (way 1).
double anneal(double start, double end, double way) { return end + (start - end) / 2 * (std::cos(pi * way) + 1); }

/// How far `position` is on the way from `start` to `end`; a way without length is behind us.
double way_between(double position, double start, double end) {
  return end > start ? (position - start) / (end - start) : 1;
}

}  // namespace

std::string count_phase(const std::string& name, std::int64_t done, std::int64_t steps) {
  return text(name, ' ', done + 1, '/', steps);
}

ScheduleValue cosine(const ScheduleOptions& options, std::int64_t done, std::int64_t steps) {
  return {fall(options, done, steps), {}, count_phase("cosine", done, steps)};
}

Fall fall_at(const ScheduleOptions& options, std::int64_t done) {
  if (options.restart_factor == 1) {
    const std::int64_t before = done / options.restart_steps;
    return {before, before * options.restart_steps, options.restart_steps};
  }
  Fall fall{0, 0, options.restart_steps};
  while (done - fall.start >= fall.length) {
    fall = {fall.restarts + 1, fall.start + fall.length, fall.length * options.restart_factor};
  }
  return fall;
}

ScheduleValue restarts(const ScheduleOptions& options, std::int64_t done) {
  const Fall now = fall_at(options, done);
  const std::string name = now.restarts == 0 ? "cosine" : text("restart ", now.restarts, ',');
  return {fall(options, done - now.start, now.length), {}, count_phase(name, done - now.start, now.length)};
}

ScheduleValue one_cycle(const ScheduleOptions& options, std::int64_t done, std::int64_t steps) {
  const double start = options.learning_rate / options.start_divisor;
  const double end = start / options.final_divisor;
  const auto position = static_cast<double>(done);
  // The peak need not fall on a step; in a run of few steps it lies before the first one.
  const double peak = options.rising_share * static_cast<double>(steps) - 1;
  const auto rising_steps = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor(peak)) + 1);
  if (position <= peak) {
    const double way = way_between(position, 0, peak);
    return {anneal(start, options.learning_rate, way), anneal(options.high_momentum, options.low_momentum, way),
            count_phase("rise", done, rising_steps)};
  }
  const double way = way_between(position, peak, static_cast<double>(steps - 1));
  return {anneal(options.learning_rate, end, way), anneal(options.low_momentum, options.high_momentum, way),
          count_phase("fall", done - rising_steps, steps - rising_steps)};
}

ScheduleValue polynomial(const ScheduleOptions& options, std::int64_t done, std::int64_t steps) {
  const double left = 1.0 - static_cast<double>(done) / static_cast<double>(steps);
  return {options.learning_rate * std::pow(left, options.power), {}, count_phase("polynomial", done, steps)};
}

ScheduleValue falling_steps(const ScheduleOptions& options, std::int64_t done) {
  const std::int64_t falls = done / options.step_length;
  return {options.learning_rate * std::pow(options.gamma, static_cast<double>(falls)),
          {},
          count_phase(text("level ", falls + 1, ','), done % options.step_length, options.step_length)};
}

ScheduleValue on_plateau(const ScheduleOptions& options, const PlateauState& state) {
  const double rate = reduced_rate(options.plateau, state, options.learning_rate, options.min_learning_rate);
  const std::string level = text("level ", state.reductions + 1);
  if (state.cooldown_left > 0) {
    return {rate, {}, text(level, ", cools down for ", state.cooldown_left)};
  }
  if (state.bad_evaluations == 0) {
    return {rate, {}, level};
  }
  return {rate, {}, text(level, ", no gain ", state.bad_evaluations, '/', options.plateau.patience + 1)};
}

}  // namespace lockstep::optim
