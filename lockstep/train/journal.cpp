#include "lockstep/train/journal.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "lockstep/base/files.h"
#include "lockstep/base/log.h"
#include "lockstep/base/probe.h"
#include "lockstep/base/rounded.h"
#include "lockstep/base/text.h"
#include "lockstep/observe/time_account.h"
#include "lockstep/train/clock_watch.h"

namespace lockstep::train {

using observe::Part;

namespace {

constexpr Seconds kLongest{600};  ///< that a disk may take for a snapshot

std::string hexadecimal(std::uint64_t number) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(number));
  return digits;
}

}  // namespace

Journal::Journal(const checkpoint::RunFolder& folder, const Plan& plan)
    : folder_(folder), plan_(plan), log_(folder.path() / observe::kRunLogFile), saver_(folder, plan.options, log_) {
  if (!plan.options.target.empty()) {
    target_.emplace(plan);
  }
  sink_before_ = log::set_sink([this](log::Level level, const std::string& line) {
    if (level == log::Level::kWarning) {
      log_.write("warning", {{"message", line}});
    }
    sink_before_(level, line);
  });
}

Journal::~Journal() {
  const ProbeScope probe("write of the last snapshot");
  saver_.finish_within(kLongest);
  log::set_sink(sink_before_);
}

void Journal::started(const checkpoint::State& state, int world_size, const nlohmann::json& recipe) {
  if (target_) {
    target_->begin(state, folder_.path());
  }
  const data::BatchPlan& batches = stage_of(plan_.stages, state.epoch).batches;
  log_.write(observe::StartEvent{state.step, world_size, static_cast<std::int64_t>(batches.global_batch), recipe,
                                 age_of_program(plan_.options)});
  if (const auto failure = log_.failure()) {
    throw MachineError(*failure);  // nothing is lost by that yet
  }
}

void Journal::stepped(const checkpoint::State& state, const StepOutcome& outcome, const observe::PartSeconds& seconds) {
  const Verdict& verdict = outcome.verdict;
  log_.write(observe::StepEvent{state.step + 1, state.epoch + 1, verdict.loss, outcome.learning_rate,
                                hexadecimal(verdict.digest), outcome.gradient_norm, seconds.by_name()});
  if (!outcome.applied && !outcome.is_empty()) {
    record_skip(state, outcome);
  }
  epoch_sync_.bytes += outcome.sync.bytes;
  epoch_sync_.early_bytes += outcome.sync.early_bytes;
  show_progress(state, outcome, seconds);
  first_epoch_.add(state.epoch, outcome.verdict.utilisation, seconds);
  tell_of_log();
}

/// Once where the disk takes nothing more, and once where it does again.
void Journal::tell_of_log() {
  const std::optional<MachineError> failure = log_.failure();
  if (failure.has_value() == log_is_behind_) {
    return;
  }
  log_is_behind_ = failure.has_value();
  if (failure) {
    log::warn(text(failure->what(), "; training goes on, and the log waits in memory until there is room"));
  } else {
    log::info("the log is written again, with all that was waiting");
  }
}

void Journal::record_skip(const checkpoint::State& state, const StepOutcome& outcome) {
  const Verdict& verdict = outcome.verdict;
  const std::string samples = verdict.not_finite.empty() ? "none has a loss that is not finite" : verdict.not_finite;
  nlohmann::json fields = {{"step", state.step + 1}, {"loss", verdict.loss}};
  if (!verdict.failure.empty()) {
    fields["failure"] = verdict.failure;
    log::warn(text("step ", state.step + 1, " dropped, its samples are not seen in this epoch: ", verdict.failure));
  } else if (outcome.scale_was_cut) {
    // Part of how dynamic scaling finds its scale: nothing to warn of.
    fields["loss_scale"] = state.loss_scaler.scale;
  } else {
    fields["gradient_norm"] = outcome.gradient_norm;
    fields["samples"] = samples;
    std::vector<int> ranks = verdict.not_finite_ranks;
    std::string where = outcome.was_looked_into && outcome.findings.empty() ? "; done again, all is finite" : "";
    nlohmann::json origins = nlohmann::json::array();
    for (const NonFinite& found : outcome.findings) {
      origins.push_back(to_json(found));
      where += "; " + describe(found);
      if (verdict.not_finite_ranks.empty()) {
        ranks.push_back(found.rank);
      }
    }
    fields["ranks"] = ranks;
    fields["origins"] = origins;
    log::warn(
        text("step ", state.step + 1, " skipped: its loss or gradient is not finite (samples: ", samples, ")", where));
  }
  log_.write("skip", fields);
}

/// Samples a second of the epoch that has ended.
double Journal::take_epoch_speed() {
  const double seconds = std::exchange(epoch_training_seconds_, 0);
  const auto samples = static_cast<double>(std::exchange(epoch_samples_, 0));
  return seconds > 0 ? samples / seconds : 0;
}

void Journal::epoch_ended(const checkpoint::State& state, const Statistics& statistics, const EpochTimes& times) {
  const std::size_t rank = observe::pace_setter(times.of_ranks);
  nlohmann::json fields = {{"step", state.step},
                           {"epoch", state.epoch},
                           {"reduced_bytes", epoch_sync_.bytes},
                           {"early_bytes", epoch_sync_.early_bytes},
                           {"wall_seconds", times.wall_seconds},
                           {"seconds", times.of_ranks[rank].by_name()},
                           {"seconds_of_rank", rank}};
  const SampleUnit unit = plan_.task.unit();
  const double speed = unit.rate(take_epoch_speed());
  fields["speed"] = {{"unit", unit.per_time()}, {"value", speed}};
  loop_seconds_ += times.of_ranks.front();
  loop_wall_seconds_ += times.wall_seconds;
  if (!statistics.empty()) {
    fields["statistics"] = statistics;
  }
  log_.write("epoch", fields);
  log::info(text(observe::describe_epoch(state.epoch, times.wall_seconds, times.of_ranks), "; ", rounded(speed), " ",
                 unit.per_time()));
  if (epoch_sync_.bytes > 0) {
    constexpr double kMegabyte = 1e6;
    log::info(text(
        "epoch ", state.epoch, ": each rank all-reduced ",
        std::llround(static_cast<double>(epoch_sync_.bytes) / kMegabyte), " MB of gradients, ",
        std::llround(100.0 * static_cast<double>(epoch_sync_.early_bytes) / static_cast<double>(epoch_sync_.bytes)),
        " % of it while backward was going on"));
  }
  epoch_sync_ = {};
}

void Journal::loop_ended(const observe::PartSeconds& rest, double wall_seconds) {
  loop_seconds_ += rest;
  loop_wall_seconds_ += wall_seconds;
  if (const auto summary = saver_.summary(loop_wall_seconds_)) {
    log::info(*summary);
  }
}

void Journal::show_progress(const checkpoint::State& state, const StepOutcome& outcome,
                            const observe::PartSeconds& seconds) {
  // Evaluations and snapshots since the step before are in its time, and do not make training slow.
  const double training = seconds.sum() - seconds[Part::kEvaluate] - seconds[Part::kCheckpoint];
  const double speed = static_cast<double>(outcome.verdict.samples) / training;
  epoch_samples_ += outcome.verdict.samples;
  epoch_training_seconds_ += training;
  samples_per_second_ = samples_per_second_ ? *samples_per_second_ * 0.95 + speed * 0.05 : speed;

  observe::ProgressState progress;
  progress.epoch = state.epoch + 1;
  progress.stage = stage_of(plan_.stages, state.epoch).name;
  progress.epochs = plan_.options.epochs;
  progress.step = state.step + 1;
  progress.steps = total_steps(plan_.stages);
  progress.loss = outcome.verdict.loss;
  progress.learning_rate = outcome.learning_rate;
  progress.phase = outcome.phase;
  progress.samples_per_second = *samples_per_second_;
  progress.unit = plan_.task.unit();
  progress.utilisation = outcome.verdict.utilisation;
  progress_.update(progress);
}

void Journal::evaluated(const checkpoint::State& state, const Metrics& raw, const std::optional<Metrics>& averaged,
                        bool is_best) {
  const std::string name = plan_.task.best_metric();
  const auto number = [&](const Metrics& metrics) {
    char digits[16];
    std::snprintf(digits, sizeof digits, "%.4f", metrics.at(name));
    return std::string(digits);
  };
  const Metrics& metrics = averaged.value_or(raw);
  log::info(text("evaluation after epoch ", state.epoch, ": ", name, " ", number(metrics),
                 averaged ? text(" (averaged weights; the raw ones: ", number(raw), ")") : "",
                 is_best ? ", the best so far" : ""));
  if (averaged) {
    log_.write("evaluate-raw", {{"step", state.step}, {"split", kEvaluationSplit}, {"metrics", raw}});
  }
  log_.write(observe::EvaluateEvent{state.step, kEvaluationSplit, metrics});
  write_metrics(state, raw, averaged, /*is_at_stop=*/false);
  if (target_) {
    target_->evaluated(state, metrics);
  }
}

void Journal::write_metrics(const checkpoint::State& state, const Metrics& raw, const std::optional<Metrics>& averaged,
                            bool is_at_stop) {
  nlohmann::json json = {
      {"step", state.step}, {"epoch", state.epoch}, {"split", kEvaluationSplit}, {"metrics", averaged.value_or(raw)}};
  if (averaged) {
    json["raw_metrics"] = raw;
  }
  if (is_at_stop) {
    json["at_stop"] = true;
  }
  unwritten_metrics_ = json.dump(2) + "\n";
  write_metrics_file();
}

void Journal::write_metrics_file() {
  try {
    write_file_atomically(folder_.metrics(), unwritten_metrics_);
    unwritten_metrics_.clear();
  } catch (const MachineError& error) {
    log::warn(text(error.what(), "; the metrics stand in the log"));
  }
}

void Journal::evaluated_at_stop(const checkpoint::State& state, const Metrics& raw,
                                const std::optional<Metrics>& averaged, bool is_best) {
  is_best_at_stop_ = is_best;
  const std::string name = plan_.task.best_metric();
  char digits[16];
  std::snprintf(digits, sizeof digits, "%.4f", averaged.value_or(raw).at(name));
  log::info(text("evaluation where the run stops, after step ", state.step, ": ", name, " ", digits,
                 is_best ? ", the best so far" : ""));
  log_.write("evaluate-at-stop",
             {{"step", state.step}, {"split", kEvaluationSplit}, {"metrics", averaged.value_or(raw)}});
  write_metrics(state, raw, averaged, /*is_at_stop=*/true);
}

void Journal::told_what_fits(const checkpoint::State& state, std::int64_t epochs, const std::string& words) {
  log::info(text("in the time that is left: ", words));
  log_.write("budget", {{"step", state.step},
                        {"epochs_that_fit", epochs},
                        {"seconds", plan_.seconds_to_run},
                        {"age_seconds", age_of_program(plan_.options)},
                        {"step_seconds", state.costs.step},
                        {"evaluation_seconds", state.costs.evaluation},
                        {"save_seconds", state.costs.save},
                        {"finish_seconds", state.costs.finish}});
}

void Journal::ended(const std::string& reason) {
  {
    const ProbeScope probe("write of the last snapshot");
    saver_.finish_within(kLongest);
  }
  if (!unwritten_metrics_.empty()) {
    write_metrics_file();
  }
  log_.write(observe::EndEvent{reason, loop_seconds_.by_name(), loop_wall_seconds_});
  tell_of_log();
}

void Journal::left_behind(const std::string& reason) {
  saver_.save_kept();
  log_.write(observe::EndEvent{reason, loop_seconds_.by_name(), loop_wall_seconds_});
}

void Journal::retried(const checkpoint::State& state, const std::vector<Retry>& retries) {
  for (const Retry& retry : retries) {
    log_.write("retry", {{"step", state.step + 1}, {"failure", retry.failure}, {"micro_batch", retry.micro_batch}});
  }
  const Stage& stage = stage_of(plan_.stages, state.epoch);
  const bool is_second = stage.name == "stage 2" && plan_.options.stage2_batch_size.has_value();
  log::warn(text("step ", state.step + 1, " made once more for want of memory (", retries.front().failure,
                 "): from here on at most ", retries.back().micro_batch, " ", plan_.task.unit().name,
                 " go through the network at a time, with the same gradient but for rounding; ",
                 is_second ? "--stage2-batch-size " : "--batch-size ", retries.back().micro_batch,
                 " with --global-batch ", stage.batches.global_batch, " does so from the start"));
}

void Journal::rolled_back(const checkpoint::State& state, std::int64_t to_update, int steps) {
  log::warn(text(steps, " steps in a row up to ", state.step + 1,
                 " were not finite: weights, averages and the optimizer's state are those of update ", to_update,
                 " again, and from here on the learning rate is ", state.rate_factor, " times the schedule's"));
  log_.write("rollback", {{"step", state.step + 1},
                          {"to_update", to_update},
                          {"rate_factor", state.rate_factor},
                          {"rollbacks", state.rollbacks}});
}

}  // namespace lockstep::train
