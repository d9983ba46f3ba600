#include "lockstep/train/loop.h"

#include <cmath>

#include "lockstep/base/log.h"
#include "lockstep/base/signals.h"
#include "lockstep/base/text.h"
#include "lockstep/train/retry.h"

namespace lockstep::train {

using observe::Part;

Loop::Loop(parallel::Rank& rank, const Plan& plan, data::DecodePool& pool, Replica& replica, Step& step,
           Journal* journal, const checkpoint::State& state)
    : rank_(rank),
      plan_(plan),
      pool_(pool),
      replica_(replica),
      step_(step),
      journal_(journal),
      clock_(plan, state, rank.world_size),
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
  bool time_is_up = clock_.has_limit() && state.step > 0 && first_rank_says(clock_.is_out_of_time());
  while (true) {
    // An epoch is saved before it is evaluated: a run that ends here is evaluated first thing when it resumes.
    if (evaluation_is_due(state)) {
      if (!evaluate(state)) {
        close_epoch(state);
        return StopSignals::stop_requested() ? RunEnd::kStopped : RunEnd::kOutOfTime;
      }
      time_is_up = clock_.has_limit() && first_rank_says(clock_.is_out_of_time());
    }
    close_epoch(state);
    if (state.epoch >= plan_.options.epochs) {
      return RunEnd::kFinished;
    }
    if (max_steps_are_done(state)) {
      return RunEnd::kMaxSteps;
    }
    if (time_is_up) {
      evaluate_at_stop(state);
      return RunEnd::kOutOfTime;
    }
    const Stage& stage = stage_of(plan_.stages, state.epoch);
    enter(stage, state);
    guard_.before_step(stage, state);
    StepOutcome outcome = make_step(stage, state);
    record(stage, state, outcome);
    advance(stage, state, outcome);

    time_is_up = outcome.verdict.end_of_time;
    const bool epoch_ended = state.step_in_epoch == 0;
    if (epoch_ended || max_steps_are_done(state) || outcome.verdict.save || outcome.verdict.stop || time_is_up) {
      replica_.share_buffers();  // only a step changes them: the evaluation of what is saved sees the same
      save(state);
    }
    if (outcome.verdict.stop && !max_steps_are_done(state)) {
      close_epoch(state);
      return RunEnd::kStopped;
    }
    if (!time_is_up && clock_.rehearsal_is_due()) {
      rehearse(state);
      time_is_up = first_rank_says(clock_.is_out_of_time());
      if (time_is_up && saved_step_ != state.step) {
        replica_.share_buffers();
        save(state);
      }
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
  clock_.step_begins();
  const StepWishes wishes{.save = journal_ != nullptr && (journal_->saver().is_due() || clock_.wants_save()),
                          .end_of_time = journal_ != nullptr && clock_.last_step_begins()};
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
    replica_.restore_counts();  // a forward pass moves running statistics
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
  clock_.step_ended(step_.timer().last_step());
  note_save();
  state.costs = clock_.costs();
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
  tell_what_fits(state);
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
  if (clock_.has_limit() && !first_rank_says(clock_.evaluation_fits())) {
    return false;
  }
  const std::optional<Evaluation> measured = measure(state);
  if (!measured) {
    return false;
  }
  if (measured->is_best) {
    state.best = checkpoint::Best{plan_.task.best_metric(), measured->value, state.step};
  }
  state.evaluated_step = state.step;
  state.costs = clock_.costs();
  const Stage& stage = stage_of(plan_.stages, state.epoch - 1);
  state.plateau = stage.schedule.observed(state.step - stage.first_step, measured->value, state.plateau);
  if (journal_ != nullptr) {
    journal_->evaluated(state, measured->raw, measured->averaged, measured->is_best);
    journal_->saver().amend(replica_.snapshot(state).state, measured->is_best);
  }
  return true;
}

/// Of where the run stands when its time is up. It is none of the run's: the state knows nothing of it, so that a run
/// that was stopped is the same as one that was not.
void Loop::evaluate_at_stop(const checkpoint::State& state) {
  if (state.evaluated_step == state.step || !first_rank_says(clock_.evaluation_fits())) {
    return;
  }
  const std::optional<Evaluation> measured = measure(state);
  if (measured && journal_ != nullptr) {
    journal_->evaluated_at_stop(state, measured->raw, measured->averaged, measured->is_best);
  }
}

std::optional<Loop::Evaluation> Loop::measure(const checkpoint::State& state) {
  step_.timer().enter(Part::kEvaluate);
  const double since = clock_.age();
  tasks::Model* averaged_model = replica_.averaged_model();
  const std::optional<Metrics> raw = measure(replica_.model(), state);
  const std::optional<Metrics> averaged =
      raw && averaged_model != nullptr ? measure(*averaged_model, state) : std::nullopt;
  step_.timer().enter(Part::kOther);
  if (!raw || (averaged_model != nullptr && !averaged)) {
    return std::nullopt;
  }
  clock_.evaluated(since);
  const double value = (averaged ? *averaged : *raw).at(plan_.task.best_metric());
  return Evaluation{*raw, averaged, value, std::isfinite(value) && (!state.best || value > state.best->value)};
}

std::optional<Metrics> Loop::measure(tasks::Model& model, const checkpoint::State& state) {
  const SweepOptions sweeping{samples_at_a_time(plan_.options.batch_size, state.micro_batch), plan_.precision,
                              plan_.bad_samples,
                              [this] { return StopSignals::stop_requested() || clock_.must_leave(); }};
  return evaluate_or_leave(rank_, plan_.task, model, pool_, sweeping);
}

/// The first batches of an evaluation, for the time that they take: what the end of the run needs is measured early.
void Loop::rehearse(checkpoint::State& state) {
  constexpr std::size_t kBatches = 3;
  step_.timer().enter(Part::kEvaluate);
  std::vector<double> ages;
  const auto leave = [&] {
    ages.push_back(clock_.age());
    return ages.size() > kBatches || StopSignals::stop_requested();
  };
  const SweepOptions sweeping{plan_.options.batch_size, plan_.precision, plan_.bad_samples, leave};
  if (evaluate_or_leave(rank_, plan_.task, replica_.model(), pool_, sweeping)) {
    ages.push_back(clock_.age());
  }
  if (ages.size() > 1) {
    clock_.rehearsed(ages);
  }
  step_.timer().enter(Part::kOther);
  state.costs = clock_.costs();
  tell_what_fits(state);
}

void Loop::tell_what_fits(const checkpoint::State& state) {
  if (journal_ != nullptr && clock_.can_tell_what_fits() && state.epoch < plan_.options.epochs) {
    journal_->told_what_fits(state, clock_.epochs_that_fit(state), clock_.describe_what_fits(state));
  }
}

/// What the first rank says holds for all. Collective.
bool Loop::first_rank_says(bool yes) {
  const std::byte word{static_cast<unsigned char>(yes)};
  return rank_.group.all_gather(std::span(&word, 1)).front().at(0) != std::byte{0};
}

/// A snapshot may be whole on the disk only long after `save`.
void Loop::note_save() {
  if (journal_ != nullptr) {
    clock_.note_save(journal_->saver().last_seconds());
  }
}

void Loop::save(const checkpoint::State& state) {
  step_.timer().enter(Part::kCheckpoint);
  if (journal_ != nullptr) {
    const double since = clock_.age();
    journal_->saver().save(replica_.snapshot(state), /*is_best=*/false);
    clock_.stood_still(since);
  }
  saved_step_ = state.step;
  step_.timer().enter(Part::kOther);
}

}  // namespace lockstep::train
