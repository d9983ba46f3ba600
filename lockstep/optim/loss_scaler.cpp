#include "lockstep/optim/loss_scaler.h"

#include <cmath>

#include "lockstep/base/error.h"

namespace lockstep::optim {

void LossScalerOptions::validate() const {
  LOCKSTEP_ASSERT(initial_scale > 0 && std::isfinite(static_cast<float>(initial_scale)), "the scale is above 0");
  LOCKSTEP_ASSERT(growth_factor > 1, "to grow is to be multiplied by more than 1");
  LOCKSTEP_ASSERT(backoff_factor > 0 && backoff_factor < 1, "to back off is to be multiplied by less than 1");
  LOCKSTEP_ASSERT(growth_interval >= 1, "the scale grows after at least one update");
}

LossScaler::LossScaler(const LossScalerOptions& options) : options_(options) {
  options_.validate();
  state_.scale = static_cast<float>(options_.initial_scale);
}

void LossScaler::update(bool found_inf) {
  if (found_inf) {
    state_ = {static_cast<float>(state_.scale * options_.backoff_factor), 0};
    return;
  }
  if (++state_.growth_tracker < options_.growth_interval) {
    return;
  }
  const auto grown = static_cast<float>(state_.scale * options_.growth_factor);
  state_ = {std::isfinite(grown) ? grown : state_.scale, 0};
}

}  // namespace lockstep::optim
