#include "lockstep/train/extent.h"

#include <cstring>

#include "lockstep/base/error.h"
#include "lockstep/train/draws.h"

namespace lockstep::train {
namespace {

using Extent = std::function<double(const data::Draw&)>;

double sum_of_extents(const Extent& extent, std::span<const data::Draw> draws) {
  double sum = 0;
  for (const data::Draw& draw : draws) {
    try {
      sum += extent(draw);
    } catch (const DataError&) {
      // The loader says so, and decides whether the run goes on without it.
    }
  }
  return sum;
}

double sum_over_ranks(parallel::Group& group, double own) {
  double sum = 0;
  for (const std::vector<std::byte>& bytes : group.all_gather(std::as_bytes(std::span(&own, 1)))) {
    double of_rank = 0;
    LOCKSTEP_ASSERT(bytes.size() == sizeof of_rank, "a number of another size");
    std::memcpy(&of_rank, bytes.data(), sizeof of_rank);
    sum += of_rank;
  }
  return sum;
}

}  // namespace

double mean_extent(const tasks::Task& task, std::span<const data::Draw> draws) {
  const Extent extent = task.extent();
  return extent && !draws.empty() ? sum_of_extents(extent, draws) / static_cast<double>(draws.size()) : 1;
}

double mean_extent_of_step(parallel::Rank& rank, const Plan& plan, const Stage& stage, const checkpoint::State& state,
                           observe::StepTimer& timer) {
  const Extent extent = plan.task.extent();
  if (!extent) {
    return 1;
  }
  timer.enter(observe::Part::kWait);
  double own = 0;
  for (const std::vector<data::Draw>& pass : draws_of_passes(plan, stage, state, rank.index)) {
    own += sum_of_extents(extent, pass);
  }
  const auto samples = stage.batches.positions(static_cast<std::uint64_t>(state.step_in_epoch)).size();
  timer.enter(observe::Part::kReduce);
  return sum_over_ranks(rank.group, own) / static_cast<double>(samples);
}

}  // namespace lockstep::train
