#include "lockstep/train/loop.h"

#include <cmath>

#include "lockstep/base/log.h"
#include "lockstep/base/signals.h"
#include "lockstep/base/text.h"
#include "lockstep/train/retry.h"

namespace lockstep::train {

using observe::Part;

Loop::Loop(parallel::Rank& rank, const Plan& plan, data::DecodePool& pool, Replica& replica, Step& step,
           Journal* journal)
    : rank_(rank),
      plan_(plan),
      pool_(pool),
      replica_(replica),
      step_(step),
      journal_(journal),
      guard_(rank, plan, replica, journal) {}

RunEnd Loop::run(checkpoint::State& state) {
  recorded_epoch_ = state.epoch;
  saved_step_ = state.step;
  step_.timer().take_account();
  since_account_.lap();
  const RunEnd end = train(state);
  if (journal_ != nullptr) {
    step_.timer().enter(Part::kCheckpoint);
    journal_->saver().finish();
    step_.timer().enter(Part::kOther);
    const observe::PartSeconds own = step_.timer().take_last_account();  // before the clock, since it may wait
    journal_->loop_ended(own, since_account_.lap());
  }
  return end;
}

RunEnd Loop::train(checkpoint::State& state) {
  while (true) {
    // An epoch is saved before it is evaluated: a run that ends here is evaluated first thing when it resumes.
    if (evaluation_is_due(state) && !evaluate(state)) {
      close_epoch(state);
      return RunEnd::kStopped;
    }
    close_epoch(state);
    if (state.epoch >= plan_.options.epochs) {
      return RunEnd::kFinished;
    }
    if (max_steps_are_done(state)) {
      return RunEnd::kMaxSteps;
    }
    const Stage& stage = stage_of(plan_.stages, state.epoch);
    enter(stage, state);
    guard_.before_step(stage, state);
    StepOutcome outcome = make_step(stage, state);
    record(stage, state, outcome);
    advance(stage, state, outcome);

    const bool epoch_ended = state.step_in_epoch == 0;
    if (epoch_ended || max_steps_are_done(state) || outcome.verdict.save || outcome.verdict.stop) {
      replica_.share_buffers();  // only a step changes them: the evaluation of what is saved sees the same
      save(state);
    }
    if (outcome.verdict.stop && !max_steps_are_done(state)) {
      close_epoch(state);
      return RunEnd::kStopped;
    }
  }
}

void Loop::enter(const Stage& stage, checkpoint::State& state) {
  if (state.epoch == stage.first_epoch && state.step_in_epoch == 0) {
    state.plateau = {};  // each stage has a schedule of its own
  }
  replica_.enter(stage, state.epoch, state.step_in_epoch);
}

/// One global batch: decode, forward, backward, reduce, agree, update.
StepOutcome Loop::make_step(const Stage& stage, checkpoint::State& state) {
  const StepWishes wishes{.save = journal_ != nullptr && journal_->saver().is_due(), .end_of_time = false};
  try {
    return step_.run(stage, state, wishes);
  } catch (const std::logic_error&) {
    throw;  // a mistake of the program may have been made in the steps before, too
  } catch (...) {
    rescue(state);
    throw;
  }
}

/// Saves the steps since the last snapshot from an error that came before the weights were touched.
void Loop::rescue(const checkpoint::State& state) {
  if (journal_ == nullptr || step_.update_has_begun() || state.step == saved_step_) {
    return;
  }
  try {
    replica_.restore_buffers();  // a forward pass moves running statistics
    save(state);
    journal_->saver().finish();
    log::info(text("saved the ", state.step, " steps before the one that failed"));
  } catch (const std::exception& error) {
    log::warn(text("the steps since the last snapshot cannot be saved: ", error.what()));
  }
}

void Loop::record(const Stage& stage, checkpoint::State& state, StepOutcome& outcome) {
  replica_.follow_landing_order();
  guard_.look_into(stage, state, outcome);
  step_.timer().end_step();
  if (journal_ != nullptr) {
    if (!outcome.retries.empty()) {
      journal_->retried(state, outcome.retries);
    }
    journal_->stepped(state, outcome, step_.timer().last_step());
  }
  guard_.after_step(state, outcome);
}

void Loop::advance(const Stage& stage, checkpoint::State& state, const StepOutcome& outcome) {
  ++state.step;
  ++state.step_in_epoch;
  if (outcome.applied) {
    ++state.updates;
  } else if (!outcome.verdict.failure.empty()) {
    ++state.dropped;
  } else if (!outcome.scale_was_cut && !outcome.is_empty()) {
    ++state.skipped;
  }
  state.elapsed_seconds += since_start_.lap();
  if (state.step_in_epoch == static_cast<std::int64_t>(stage.batches.steps_per_epoch())) {
    ++state.epoch;
    state.step_in_epoch = 0;
  }
}

/// Once an epoch that has ended, with the evaluation and the snapshots after it.
void Loop::close_epoch(const checkpoint::State& state) {
  if (state.epoch == recorded_epoch_) {
    return;
  }
  recorded_epoch_ = state.epoch;
  const observe::PartSeconds own = step_.timer().take_account();
  const double wall_seconds = since_account_.lap();
  step_.timer().enter(Part::kReduce);  // the others may still be at their snapshot
  const EpochTimes times{gather_times(rank_.group, own), wall_seconds};
  const Statistics statistics = gather_statistics(rank_.group, replica_.model());
  step_.timer().enter(Part::kOther);
  if (journal_ != nullptr) {
    journal_->epoch_ended(state, statistics, times);
  }
}

bool Loop::max_steps_are_done(const checkpoint::State& state) const {
  return plan_.options.max_steps && state.step >= *plan_.options.max_steps;
}

bool Loop::evaluation_is_due(const checkpoint::State& state) const {
  const bool epoch_ended = state.step_in_epoch == 0 && state.epoch > 0;
  const bool is_its_turn = state.epoch % plan_.options.evaluate_every == 0 || state.epoch == plan_.options.epochs;
  return epoch_ended && is_its_turn && state.evaluated_step < state.step;
}

bool Loop::evaluate(checkpoint::State& state) {
  step_.timer().enter(Part::kEvaluate);
  tasks::Model* averaged_model = replica_.averaged_model();
  const std::optional<Metrics> raw = measure(replica_.model(), state);
  const std::optional<Metrics> averaged =
      raw && averaged_model != nullptr ? measure(*averaged_model, state) : std::nullopt;
  if (!raw || (averaged_model != nullptr && !averaged)) {
    return false;
  }
  const Metrics& metrics = averaged ? *averaged : *raw;
  const double value = metrics.at(plan_.task.best_metric());
  const bool is_best = std::isfinite(value) && (!state.best || value > state.best->value);
  if (is_best) {
    state.best = checkpoint::Best{plan_.task.best_metric(), value, state.step};
  }
  state.evaluated_step = state.step;
  const Stage& stage = stage_of(plan_.stages, state.epoch - 1);
  state.plateau = stage.schedule.observed(state.step - stage.first_step, value, state.plateau);
  if (journal_ != nullptr) {
    journal_->evaluated(state, *raw, averaged, is_best);
    journal_->saver().amend(replica_.snapshot(state).state, is_best);
  }
  step_.timer().enter(Part::kOther);
  return true;
}

std::optional<Metrics> Loop::measure(tasks::Model& model, const checkpoint::State& state) {
  const SweepOptions sweeping{samples_at_a_time(plan_.options.batch_size, state.micro_batch), plan_.precision,
                              plan_.bad_samples, StopSignals::stop_requested};
  return evaluate_or_leave(rank_, plan_.task, model, pool_, sweeping);
}

void Loop::save(const checkpoint::State& state) {
  step_.timer().enter(Part::kCheckpoint);
  if (journal_ != nullptr) {
    journal_->saver().save(replica_.snapshot(state), /*is_best=*/false);
  }
  saved_step_ = state.step;
  step_.timer().enter(Part::kOther);
}

}  // namespace lockstep::train
