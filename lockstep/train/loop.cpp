#include "lockstep/train/loop.h"

#include <cmath>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::train {

using observe::Part;

Loop::Loop(parallel::Rank& rank, const tasks::Task& task, const TrainOptions& options, const data::BatchPlan& plan,
           data::DecodePool& pool, Replica& replica, Step& step, Journal* journal)
    : rank_(rank),
      task_(task),
      options_(options),
      plan_(plan),
      pool_(pool),
      replica_(replica),
      step_(step),
      journal_(journal) {}

RunEnd Loop::run(checkpoint::State& state) {
  while (true) {
    // An epoch is saved before it is evaluated: a run that ends here is evaluated first thing when it resumes.
    if (evaluation_is_due(state)) {
      const bool is_best = evaluate(state);
      save(state, is_best);
    }
    if (state.epoch >= options_.epochs) {
      return RunEnd::kFinished;
    }
    if (max_steps_are_done(state)) {
      return RunEnd::kMaxSteps;
    }
    // One global batch: decode, forward, backward, reduce, agree, update.
    const StepOutcome outcome = step_.run(state, journal_ != nullptr && journal_->snapshot_is_due());
    record(state, outcome);
    advance(state, outcome);

    const bool epoch_ended = state.step_in_epoch == 0;
    if (epoch_ended || max_steps_are_done(state) || outcome.verdict.save || outcome.verdict.stop) {
      save(state, /*is_best=*/false);
    }
    if (outcome.verdict.stop && !max_steps_are_done(state)) {
      return RunEnd::kStopped;
    }
  }
}

void Loop::record(const checkpoint::State& state, const StepOutcome& outcome) {
  step_.timer().end_step();
  if (journal_ != nullptr) {
    journal_->stepped(state, outcome, step_.timer().last_step());
  }
  skips_in_a_row_ = outcome.applied ? 0 : skips_in_a_row_ + 1;
  constexpr int kMaxSkips = 20;
  if (skips_in_a_row_ == kMaxSkips) {
    throw TrainingError(text("the loss or its gradient was not finite in ", kMaxSkips, " steps in a row, the last one ",
                             state.step + 1),
                        "begin anew with a lower --lr and --fresh, or look at the samples that were named");
  }
}

void Loop::advance(checkpoint::State& state, const StepOutcome& outcome) {
  ++state.step;
  ++state.step_in_epoch;
  state.updates += outcome.applied ? 1 : 0;
  state.elapsed_seconds += since_start_.lap();
  if (state.step_in_epoch == static_cast<std::int64_t>(plan_.steps_per_epoch())) {
    ++state.epoch;
    state.step_in_epoch = 0;
  }
}

bool Loop::max_steps_are_done(const checkpoint::State& state) const {
  return options_.max_steps && state.step >= *options_.max_steps;
}

bool Loop::evaluation_is_due(const checkpoint::State& state) const {
  const bool epoch_ended = state.step_in_epoch == 0 && state.epoch > 0;
  const bool is_its_turn = state.epoch % options_.evaluate_every == 0 || state.epoch == options_.epochs;
  return epoch_ended && is_its_turn && state.evaluated_step < state.step;
}

bool Loop::evaluate(checkpoint::State& state) {
  step_.timer().enter(Part::kEvaluate);
  const auto metrics = train::evaluate(rank_, task_, replica_.model(), pool_, options_.batch_size);
  const double value = metrics.at(task_.best_metric());
  const bool is_best = std::isfinite(value) && (!state.best || value > state.best->value);
  if (is_best) {
    state.best = checkpoint::Best{task_.best_metric(), value, state.step};
  }
  state.evaluated_step = state.step;
  if (journal_ != nullptr) {
    journal_->evaluated(state, metrics, task_.best_metric(), is_best);
  }
  step_.timer().enter(Part::kOther);
  return is_best;
}

void Loop::save(const checkpoint::State& state, bool is_best) {
  if (journal_ != nullptr) {
    step_.timer().enter(Part::kCheckpoint);
    journal_->save(replica_.snapshot(state), is_best);
    step_.timer().enter(Part::kOther);
  }
}

}  // namespace lockstep::train
