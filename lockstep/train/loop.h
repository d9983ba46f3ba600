#pragma once

#include "lockstep/train/clock_watch.h"
#include "lockstep/train/evaluation.h"
#include "lockstep/train/guard.h"
#include "lockstep/train/journal.h"
#include "lockstep/train/step.h"

namespace lockstep::train {

/// How a run ended.
enum class RunEnd {
  kFinished,   ///< all epochs are done
  kMaxSteps,   ///< --max-steps are done; with more of them the same command goes on
  kStopped,    ///< a signal came; the same command goes on
  kOutOfTime,  ///< the time of --time-budget or --quota is used up; the same command goes on
};

/// The loop of one rank, from a state to the end of the run. It is the same on every rank; the first one also writes
/// things down.
class Loop {
 public:
  /// `journal` is null on all ranks but the first. `state` is that from which `run` is to go on.
  Loop(parallel::Rank& rank, const Plan& plan, data::DecodePool& pool, Replica& replica, Step& step, Journal* journal,
       const checkpoint::State& state);

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

  /// What an evaluation gives.
  struct Evaluation {
    Metrics raw;
    std::optional<Metrics> averaged;
    double value = 0;      ///< of the metric that counts
    bool is_best = false;  ///< of all that the run has had
  };

  /// Says whether it came to its end: a signal, or the end of the time, ends it at once, and nothing has changed then.
  bool evaluate(checkpoint::State& state);
  std::optional<Evaluation> measure(const checkpoint::State& state);
  std::optional<Metrics> measure(tasks::Model& model, const checkpoint::State& state);
  void rehearse(checkpoint::State& state);
  void note_save();
  void evaluate_at_stop(const checkpoint::State& state);
  void tell_what_fits(const checkpoint::State& state);
  bool first_rank_says(bool yes);
  void save(const checkpoint::State& state);

  parallel::Rank& rank_;
  const Plan& plan_;
  data::DecodePool& pool_;
  Replica& replica_;
  Step& step_;
  Journal* journal_;
  ClockWatch clock_;
  Stopwatch since_start_;
  Stopwatch since_account_;
  std::int64_t recorded_epoch_ = 0;
  std::int64_t saved_step_ = 0;  ///< the last step that was saved
  Guard guard_;
};

}  // namespace lockstep::train
