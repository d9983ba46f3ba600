#include "lockstep/train/draws.h"

#include "lockstep/data/epoch_order.h"

namespace lockstep::train {

std::vector<std::vector<data::Draw>> draws_of_passes(const Plan& plan, const Stage& stage,
                                                     const checkpoint::State& state, int rank) {
  const auto epoch = static_cast<std::uint64_t>(state.epoch);
  const data::EpochOrder order = data::shuffled_order(plan.options.seed, epoch, plan.task.training_set().size());
  std::vector<std::vector<data::Draw>> passes;
  for (const data::Range& range : stage.batches.passes(static_cast<std::uint64_t>(state.step_in_epoch), rank)) {
    passes.emplace_back();
    for (std::uint64_t position = range.begin; position < range.end; ++position) {
      passes.back().push_back({plan.options.seed, epoch, position, order[position]});
    }
  }
  return passes;
}

}  // namespace lockstep::train
