#include "lockstep/optim/plateau.h"

#include <algorithm>
#include <limits>

namespace lockstep::optim {

PlateauState observed(const PlateauOptions& options, PlateauState state, double metric) {
  const double best = state.best.value_or(-std::numeric_limits<double>::infinity());
  if (metric > best * (1 + options.threshold)) {
    state.best = metric;
    state.bad_evaluations = 0;
  } else {
    ++state.bad_evaluations;
  }
  if (state.cooldown_left > 0) {
    --state.cooldown_left;
    state.bad_evaluations = 0;
  }
  if (state.bad_evaluations > options.patience) {
    ++state.reductions;
    state.bad_evaluations = 0;
    state.cooldown_left = options.cooldown;
  }
  return state;
}

double reduced_rate(const PlateauOptions& options, const PlateauState& state, double learning_rate,
                    double min_learning_rate) {
  constexpr double kSmallestChange = 1e-8;
  for (std::int64_t i = 0; i < state.reductions; ++i) {
    const double next = std::max(learning_rate * options.factor, min_learning_rate);
    if (!(learning_rate - next > kSmallestChange)) {
      break;  // and neither would any later one
    }
    learning_rate = next;
  }
  return learning_rate;
}

}  // namespace lockstep::optim
