#include "lockstep/data/pass_sequence.h"

#include <algorithm>

#include "lockstep/base/error.h"

namespace lockstep::data {

PassSequence::PassSequence(const RunPlan& plan, int rank, std::uint64_t first_epoch, std::uint64_t first_step,
                           std::uint64_t end_epoch)
    : plan_(plan), rank_(rank), epoch_(first_epoch), step_(first_step), end_epoch_(end_epoch) {
  LOCKSTEP_ASSERT(first_step <= plan.of_epoch(first_epoch).steps_per_epoch(), "first step beyond the end of the epoch");
}

std::optional<Pass> PassSequence::next() {
  // From the last change on epochs are dealt out alike: a rank that gets nothing in a whole one never gets anything.
  const std::uint64_t hopeless_epoch = std::max(epoch_, plan_.last_change()) + 1;
  while (used_ == passes_) {
    if (epoch_ > hopeless_epoch || !take_step()) {
      return std::nullopt;
    }
  }
  return Pass{epoch_of_passes_, plan_.of_epoch(epoch_of_passes_).pass(step_of_passes_, rank_, used_++)};
}

bool PassSequence::take_step() {
  while (epoch_ < end_epoch_ && step_ >= plan_.of_epoch(epoch_).steps_per_epoch()) {
    ++epoch_;
    step_ = 0;
  }
  if (epoch_ >= end_epoch_) {
    return false;
  }
  epoch_of_passes_ = epoch_;
  step_of_passes_ = step_++;
  passes_ = plan_.of_epoch(epoch_).pass_count(step_of_passes_, rank_);
  used_ = 0;
  return true;
}

}  // namespace lockstep::data
