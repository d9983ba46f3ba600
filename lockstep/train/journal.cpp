#include "lockstep/train/journal.h"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "lockstep/base/files.h"
#include "lockstep/base/log.h"
#include "lockstep/base/text.h"

namespace lockstep::train {

using observe::Part;

namespace {

std::string hexadecimal(std::uint64_t number) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(number));
  return digits;
}

}  // namespace

std::string verdict_on(const FirstEpoch& first) {
  constexpr double kGood = 0.85;
  const double busy = first.utilisation / static_cast<double>(first.count);
  const auto percent = [](double share) { return text(std::lround(share * 100), " %"); };
  std::string words = text("the ranks were busy for ", percent(busy), " of their first epoch");
  if (busy >= kGood) {
    return words;
  }
  const double wait = first.seconds[Part::kWait] / first.seconds.sum();
  const double reduce = first.seconds[Part::kReduce] / first.seconds.sum();
  if (wait >= reduce) {
    return words + text("; rank 0 waited for data for ", percent(wait), ": give more --num-workers, if cores are free");
  }
  return words + text("; rank 0 waited for the others for ", percent(reduce),
                      ": give a larger --batch-size, or more --accumulation-steps, so that they meet less often");
}

Journal::Journal(const checkpoint::RunFolder& folder, const TrainOptions& options, const optim::Schedule& schedule,
                 std::int64_t total_steps)
    : folder_(folder),
      options_(options),
      schedule_(schedule),
      total_steps_(total_steps),
      snapshots_(folder.path()),
      log_(folder.path() / observe::kRunLogFile) {
  sink_before_ = log::set_sink([this](log::Level level, const std::string& line) {
    if (level == log::Level::kWarning) {
      log_.write("warning", {{"message", line}});
    }
    sink_before_(level, line);
  });
}

Journal::~Journal() { log::set_sink(sink_before_); }

void Journal::started(const checkpoint::State& state, int world_size, const nlohmann::json& recipe) {
  log_.write(observe::StartEvent{state.step, world_size, state.global_batch, recipe});
}

void Journal::stepped(const checkpoint::State& state, const StepOutcome& outcome, const observe::PartSeconds& seconds) {
  const Verdict& verdict = outcome.verdict;
  log_.write(observe::StepEvent{state.step + 1, state.epoch + 1, verdict.loss, outcome.learning_rate,
                                hexadecimal(verdict.digest), outcome.gradient_norm, seconds.by_name()});
  if (!outcome.applied) {
    const std::string samples = verdict.not_finite.empty() ? "none has a loss that is not finite" : verdict.not_finite;
    log_.write("skip", {{"step", state.step + 1},
                        {"loss", verdict.loss},
                        {"gradient_norm", outcome.gradient_norm},
                        {"samples", samples}});
    log::warn(text("step ", state.step + 1, " skipped: its loss or gradient is not finite (samples: ", samples, ")"));
  }
  show_progress(state, outcome, seconds);
  watch_first_epoch(state, outcome, seconds);
}

void Journal::show_progress(const checkpoint::State& state, const StepOutcome& outcome,
                            const observe::PartSeconds& seconds) {
  // Evaluations and snapshots since the step before are in its time, and do not make training slow.
  const double training = seconds.sum() - seconds[Part::kEvaluate] - seconds[Part::kCheckpoint];
  const double speed = static_cast<double>(outcome.verdict.samples) / training;
  samples_per_second_ = samples_per_second_ ? *samples_per_second_ * 0.95 + speed * 0.05 : speed;

  observe::ProgressState progress;
  progress.epoch = state.epoch + 1;
  progress.epochs = options_.epochs;
  progress.step = state.step + 1;
  progress.steps = total_steps_;
  progress.loss = outcome.verdict.loss;
  progress.learning_rate = outcome.learning_rate;
  progress.phase = schedule_.at(state.step).phase;
  progress.samples_per_second = *samples_per_second_;
  progress.utilisation = outcome.verdict.utilisation;
  progress_.update(progress);
}

void Journal::watch_first_epoch(const checkpoint::State& state, const StepOutcome& outcome,
                                const observe::PartSeconds& seconds) {
  if (!first_epoch_) {
    first_epoch_ = FirstEpoch{state.epoch, 0, 0, {}};
  }
  if (first_epoch_->epoch == state.epoch) {
    for (const double utilisation : outcome.verdict.utilisation) {
      first_epoch_->utilisation += utilisation;
      ++first_epoch_->count;
    }
    first_epoch_->seconds += seconds;
  } else if (first_epoch_->count > 0) {
    log::info(verdict_on(*first_epoch_));
    first_epoch_->count = 0;
  }
}

void Journal::evaluated(const checkpoint::State& state, const std::map<std::string, double>& metrics,
                        const std::string& best_metric, bool is_best) {
  char value[16];
  std::snprintf(value, sizeof value, "%.4f", metrics.at(best_metric));
  log::info(
      text("evaluation after epoch ", state.epoch, ": ", best_metric, " ", value, is_best ? ", the best so far" : ""));
  log_.write(observe::EvaluateEvent{state.step, kEvaluationSplit, metrics});
  const nlohmann::json json = {
      {"step", state.step}, {"epoch", state.epoch}, {"split", kEvaluationSplit}, {"metrics", metrics}};
  write_file_atomically(folder_.metrics(), json.dump(2) + "\n");
}

void Journal::ended(const std::string& reason) { log_.write(observe::EndEvent{reason}); }

bool Journal::snapshot_is_due() const { return since_snapshot_.seconds() >= options_.checkpoint_minutes * 60; }

void Journal::save(const checkpoint::Snapshot& snapshot, bool is_best) {
  const auto path = snapshots_.save(snapshot, is_best, static_cast<int>(options_.keep_checkpoints));
  log_.write(observe::CheckpointEvent{snapshot.state.step, path.lexically_relative(folder_.path())});
  since_snapshot_.lap();
}

}  // namespace lockstep::train
