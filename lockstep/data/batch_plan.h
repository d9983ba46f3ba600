#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace lockstep::data {

/// Positions begin … end - 1 of an epoch's order.
struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;

  std::uint64_t size() const { return end - begin; }
  bool operator==(const Range&) const = default;
};

/// How the samples of an epoch are dealt out: to steps first, then to the ranks, then to forward passes. The samples of
/// a step depend on the global batch alone, so neither the number of ranks nor the batch that fits a device changes
/// them.
struct BatchPlan {
  std::uint64_t samples_per_epoch = 0;
  std::uint64_t global_batch = 1;    ///< samples a step, over all ranks
  std::uint64_t per_rank_batch = 1;  ///< the most samples of one forward pass
  int world_size = 1;

  /// The last step of an epoch takes what is left over.
  std::uint64_t steps_per_epoch() const;

  /// The most passes that a rank needs for a step.
  std::uint64_t accumulation_steps() const;

  /// The positions of a step, over all ranks.
  Range positions(std::uint64_t step_in_epoch) const;

  /// What a rank passes through the model in a step: its share, cut into passes as even as possible. Empty where the
  /// step has fewer samples than there are ranks and this one gets none.
  std::vector<Range> passes(std::uint64_t step_in_epoch, int rank) const;

  /// How many they are, and one of them.
  std::uint64_t pass_count(std::uint64_t step_in_epoch, int rank) const;
  Range pass(std::uint64_t step_in_epoch, int rank, std::uint64_t index) const;

  /// Throws UsageError for batches or a world of no samples.
  void validate() const;

 private:
  /// What a rank gets of a step.
  Range share(std::uint64_t step_in_epoch, int rank) const;
};

/// The plans of all epochs of a run: each holds from its first epoch to the next one's.
class RunPlan {
 public:
  /// One plan for all epochs.
  RunPlan(const BatchPlan& plan) : parts_{{0, plan}} {}  // NOLINT(google-explicit-constructor)

  /// From that epoch on; epochs must be added in rising order. One of the first epoch replaces the plan before it.
  void change(std::uint64_t first_epoch, const BatchPlan& plan);

  const BatchPlan& of_epoch(std::uint64_t epoch) const;

  /// The epoch from which on all epochs are dealt out alike.
  std::uint64_t last_change() const { return parts_.back().first_epoch; }

  int world_size() const { return parts_.front().plan.world_size; }

  /// Throws UsageError as the plans do.
  void validate() const;

 private:
  struct Part {
    std::uint64_t first_epoch;
    BatchPlan plan;
  };
  std::vector<Part> parts_;
};

/// Batch sizes as a user states them.
struct BatchOptions {
  std::uint64_t per_rank_batch = 8;           ///< --batch-size
  std::uint64_t accumulation_steps = 1;       ///< --accumulation-steps
  std::optional<std::uint64_t> global_batch;  ///< --global-batch; the accumulation steps follow from it
};

/// global batch = per-rank batch x ranks x accumulation steps, unless it is given. Throws UsageError where the options
/// contradict each other.
BatchPlan plan_batches(const BatchOptions& options, std::uint64_t samples_per_epoch, int world_size);

}  // namespace lockstep::data
