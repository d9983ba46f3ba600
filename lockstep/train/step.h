#pragma once

#include "lockstep/checkpoint/state.h"
#include "lockstep/data/batch_plan.h"
#include "lockstep/data/loader.h"
#include "lockstep/observe/step_timer.h"
#include "lockstep/optim/schedule.h"
#include "lockstep/parallel/gradient_sync.h"
#include "lockstep/parallel/launch.h"
#include "lockstep/train/agreement.h"
#include "lockstep/train/replica.h"

namespace lockstep::train {

/// What became of a step.
struct StepOutcome {
  Verdict verdict;
  double learning_rate = 0;
  double gradient_norm = 0;  ///< before clipping
  bool applied = false;      ///< whether the update was applied; not where loss or gradients are not finite
};

/// Consumes one global batch: on every rank forward and backward over its passes, then together reduce, agree, update.
class Step {
 public:
  Step(parallel::Rank& rank, Replica& replica, data::Loader& loader, const data::BatchPlan& plan,
       const optim::Schedule& schedule, const TrainOptions& options, const data::Dataset& dataset);

  /// The step at `state`. `wants_to_save` is this rank's wish for a snapshot afterwards.
  StepOutcome run(const checkpoint::State& state, bool wants_to_save);

  const observe::StepTimer& timer() const { return timer_; }
  observe::StepTimer& timer() { return timer_; }

 private:
  void run_passes(const checkpoint::State& state, Vote& vote);
  void run_pass(data::Batch& batch, std::int64_t global_count, std::int64_t step, Vote& vote);
  void count_losses(const at::Tensor& losses, const data::Batch& batch, Vote& vote) const;
  void update(std::int64_t step, StepOutcome& outcome);

  parallel::Rank& rank_;
  Replica& replica_;
  data::Loader& loader_;
  const data::BatchPlan& plan_;
  const optim::Schedule& schedule_;
  const TrainOptions& options_;
  const data::Dataset& dataset_;
  parallel::GradientSync sync_;
  observe::StepTimer timer_;
};

}  // namespace lockstep::train
