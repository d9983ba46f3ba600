#pragma once

#include "lockstep/train/evaluation.h"
#include "lockstep/train/guard.h"
#include "lockstep/train/journal.h"
#include "lockstep/train/step.h"

namespace lockstep::train {

/// How a run ended.
enum class RunEnd {
  kFinished,  ///< all epochs are done
  kMaxSteps,  ///< --max-steps are done; with more of them the same command goes on
  kStopped,   ///< a signal came; the same command goes on
};

/// The loop of one rank, from a state to the end of the run. It is the same on every rank; the first one also writes
/// things down.
class Loop {
 public:
  /// `journal` is null on all ranks but the first.
  Loop(parallel::Rank& rank, const Plan& plan, data::DecodePool& pool, Replica& replica, Step& step, Journal* journal);

  /// Trains on from `state`, which is afterwards that of the last step.
  RunEnd run(checkpoint::State& state);

 private:
  RunEnd train(checkpoint::State& state);
  void enter(const Stage& stage, checkpoint::State& state);
  StepOutcome make_step(const Stage& stage, checkpoint::State& state);
  void rescue(const checkpoint::State& state);
  void record(const Stage& stage, checkpoint::State& state, StepOutcome& outcome);
  void advance(const Stage& stage, checkpoint::State& state, const StepOutcome& outcome);
  void close_epoch(const checkpoint::State& state);
  bool max_steps_are_done(const checkpoint::State& state) const;
  bool evaluation_is_due(const checkpoint::State& state) const;

  /// Says whether it came to its end: a signal ends it at once, and nothing has changed then.
  bool evaluate(checkpoint::State& state);
  std::optional<Metrics> measure(tasks::Model& model, const checkpoint::State& state);
  void save(const checkpoint::State& state);

  parallel::Rank& rank_;
  const Plan& plan_;
  data::DecodePool& pool_;
  Replica& replica_;
  Step& step_;
  Journal* journal_;
  Stopwatch since_start_;
  Stopwatch since_account_;
  std::int64_t recorded_epoch_ = 0;
  std::int64_t saved_step_ = 0;  ///< the last step that was saved
  Guard guard_;
};

}  // namespace lockstep::train
