#include "lockstep/data/batch_plan.h"

#include <algorithm>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::data {
namespace {

std::uint64_t divide_up(std::uint64_t count, std::uint64_t size) { return (count + size - 1) / size; }

/// The `index`-th of `parts` contiguous parts of a range, which differ by one sample at most.
Range part_of(const Range& range, std::uint64_t index, std::uint64_t parts) {
  return {range.begin + range.size() * index / parts, range.begin + range.size() * (index + 1) / parts};
}

void require_at_least_one(std::uint64_t value, const char* flag) {
  if (value < 1) {
    throw UsageError(text(flag, " is ", value), "give a number of at least 1");
  }
}

}  // namespace

std::uint64_t BatchPlan::steps_per_epoch() const { return divide_up(samples_per_epoch, global_batch); }

std::uint64_t BatchPlan::accumulation_steps() const {
  return divide_up(global_batch, per_rank_batch * static_cast<std::uint64_t>(world_size));
}

Range BatchPlan::positions(std::uint64_t step_in_epoch) const {
  LOCKSTEP_ASSERT(step_in_epoch < steps_per_epoch(), "step beyond the end of the epoch");
  const std::uint64_t begin = step_in_epoch * global_batch;
  return {begin, std::min(begin + global_batch, samples_per_epoch)};
}

Range BatchPlan::share(std::uint64_t step_in_epoch, int rank) const {
  LOCKSTEP_ASSERT(rank >= 0 && rank < world_size, "no such rank");
  return part_of(positions(step_in_epoch), static_cast<std::uint64_t>(rank), static_cast<std::uint64_t>(world_size));
}

std::uint64_t BatchPlan::pass_count(std::uint64_t step_in_epoch, int rank) const {
  return divide_up(share(step_in_epoch, rank).size(), per_rank_batch);
}

Range BatchPlan::pass(std::uint64_t step_in_epoch, int rank, std::uint64_t index) const {
  return part_of(share(step_in_epoch, rank), index, pass_count(step_in_epoch, rank));
}

std::vector<Range> BatchPlan::passes(std::uint64_t step_in_epoch, int rank) const {
  std::vector<Range> passes;
  for (std::uint64_t i = 0; i < pass_count(step_in_epoch, rank); ++i) {
    passes.push_back(pass(step_in_epoch, rank, i));
  }
  return passes;
}

void BatchPlan::validate() const {
  require_at_least_one(per_rank_batch, "--batch-size");
  require_at_least_one(global_batch, "--global-batch");
  if (world_size < 1) {
    throw UsageError(text("the number of ranks is ", world_size), "name at least one device with --devices");
  }
}

void RunPlan::change(std::uint64_t first_epoch, const BatchPlan& plan) {
  LOCKSTEP_ASSERT(first_epoch >= parts_.back().first_epoch, "a plan for epochs that have one already");
  LOCKSTEP_ASSERT(plan.world_size == world_size(), "ranks do not change during a run");
  if (first_epoch == parts_.back().first_epoch) {
    parts_.pop_back();
  }
  parts_.push_back({first_epoch, plan});
}

const BatchPlan& RunPlan::of_epoch(std::uint64_t epoch) const {
  auto part = parts_.rbegin();
  while (part->first_epoch > epoch) {
    ++part;
  }
  return part->plan;
}

void RunPlan::validate() const {
  for (const Part& part : parts_) {
    part.plan.validate();
  }
}

BatchPlan plan_batches(const BatchOptions& options, std::uint64_t samples_per_epoch, int world_size) {
  require_at_least_one(options.accumulation_steps, "--accumulation-steps");
  const std::uint64_t samples_per_pass = options.per_rank_batch * static_cast<std::uint64_t>(world_size);
  BatchPlan plan{samples_per_epoch, options.global_batch.value_or(samples_per_pass * options.accumulation_steps),
                 options.per_rank_batch, world_size};
  plan.validate();
  if (options.accumulation_steps > 1 && options.accumulation_steps != plan.accumulation_steps()) {
    throw UsageError(text("--global-batch ", plan.global_batch, " takes ", plan.accumulation_steps(),
                          " accumulation steps of --batch-size ", plan.per_rank_batch, " on ", world_size,
                          " rank(s), but --accumulation-steps is ", options.accumulation_steps),
                     "give only one of --global-batch and --accumulation-steps");
  }
  return plan;
}

}  // namespace lockstep::data
