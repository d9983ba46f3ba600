#include "lockstep/data/pass_sequence.h"

#include "lockstep/base/error.h"

namespace lockstep::data {

PassSequence::PassSequence(const BatchPlan& plan, int rank, std::uint64_t first_epoch, std::uint64_t first_step,
                           std::uint64_t end_epoch)
    : plan_(plan), rank_(rank), epoch_(first_epoch), step_(first_step), end_epoch_(end_epoch) {
  LOCKSTEP_ASSERT(first_step <= plan.steps_per_epoch(), "first step beyond the end of the epoch");
}

std::optional<Pass> PassSequence::next() {
  // Every epoch is dealt out alike: a rank that got nothing in a whole one never gets anything.
  for (std::uint64_t empty_steps = 0; used_ == passes_.size(); ++empty_steps) {
    if (empty_steps > plan_.steps_per_epoch() || !take_step()) {
      return std::nullopt;
    }
  }
  return Pass{epoch_of_passes_, passes_[used_++]};
}

bool PassSequence::take_step() {
  if (step_ == plan_.steps_per_epoch()) {
    ++epoch_;
    step_ = 0;
  }
  if (epoch_ >= end_epoch_ || plan_.steps_per_epoch() == 0) {
    return false;
  }
  epoch_of_passes_ = epoch_;
  passes_ = plan_.passes(step_++, rank_);
  used_ = 0;
  return true;
}

}  // namespace lockstep::data
