#pragma once

#include "lockstep/optim/loss_scaler.h"
#include "lockstep/parallel/launch.h"
#include "lockstep/train/first_non_finite.h"
#include "lockstep/train/journal.h"
#include "lockstep/train/plan.h"
#include "lockstep/train/replica.h"
#include "lockstep/train/step.h"

namespace lockstep::train {

/// Watches over a run's numbers: finds out where those come from that are not finite, takes the run back to its last
/// good state where they do not end, and gives up where that does not help or where step after step fails. Every call
/// is collective, and comes to the same on every rank, since it rests on what the ranks have agreed on.
class Guard {
 public:
  /// `journal` is null on all ranks but the first.
  Guard(parallel::Rank& rank, const Plan& plan, Replica& replica, Journal* journal);

  /// Before a step: keeps a copy of the run from time to time.
  void before_step(const Stage& stage, const checkpoint::State& state);

  /// After a step, with the state before it: has the ranks look for the first result of theirs that was not finite, if
  /// it is the first such step after others, at most so many times.
  void look_into(const Stage& stage, const checkpoint::State& state, StepOutcome& outcome);

  /// Afterwards: after too many steps in a row that were not finite, puts weights, averages and the optimizer's state
  /// back to the last good ones, and halves the learning rate. Throws TrainingError where that has been tried before,
  /// and that or MachineError where too many steps in a row have failed.
  void after_step(checkpoint::State& state, const StepOutcome& outcome);

 private:
  /// What is common to all ranks of the last good state; its tensors are kept by the first one's journal.
  struct Good {
    std::int64_t updates = 0;
    optim::LossScalerState loss_scaler;
  };

  std::optional<NonFinite> look_again(const Stage& stage, const checkpoint::State& state, double mean_extent);
  void roll_back(checkpoint::State& state);

  parallel::Rank& rank_;
  const Plan& plan_;
  Replica& replica_;
  Journal* journal_;
  std::optional<Good> good_;
  int reports_ = 0;
  int failures_in_a_row_ = 0;
};

}  // namespace lockstep::train
