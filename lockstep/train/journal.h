#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/base/log.h"
#include "lockstep/checkpoint/run_folder.h"
#include "lockstep/observe/progress.h"
#include "lockstep/observe/run_log.h"
#include "lockstep/observe/step_timer.h"
#include "lockstep/train/evaluation.h"
#include "lockstep/train/first_epoch.h"
#include "lockstep/train/saver.h"
#include "lockstep/train/step.h"
#include "lockstep/train/target_watch.h"

namespace lockstep::train {

/// The split that is evaluated, as the log names it.
inline constexpr const char* kEvaluationSplit = "test";

/// Where the time of an epoch went, from its first step to the snapshot after its evaluation.
struct EpochTimes {
  std::vector<observe::PartSeconds> of_ranks;
  double wall_seconds = 0;  ///< by a clock of its own, on the first rank
};

/// What the first rank writes down of a run: the log, the progress line, snapshots and metrics. What the disk refuses
/// while the run goes on is a warning, and is written later. Made and destroyed while no other thread logs.
class Journal {
 public:
  Journal(const checkpoint::RunFolder& folder, const Plan& plan);

  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// Throws MachineError where the log cannot be written.
  void started(const checkpoint::State& state, int world_size, const nlohmann::json& recipe);

  /// `state` is the one before the step.
  void stepped(const checkpoint::State& state, const StepOutcome& outcome, const observe::PartSeconds& seconds);

  /// `state` is the one after the epoch.
  void epoch_ended(const checkpoint::State& state, const Statistics& statistics, const EpochTimes& times);

  /// What the first rank did since the last epoch ended, and how long that took.
  void loop_ended(const observe::PartSeconds& rest, double wall_seconds);

  /// `averaged`: the metrics of the averaged weights, where there are such; they then count.
  void evaluated(const checkpoint::State& state, const Metrics& raw, const std::optional<Metrics>& averaged,
                 bool is_best);

  /// The same of where the run stands when its time is up: in the log and in metrics.json, but none of the run's.
  void evaluated_at_stop(const checkpoint::State& state, const Metrics& raw, const std::optional<Metrics>& averaged,
                         bool is_best);

  /// Whether the evaluation at the stop was better than all others.
  bool is_best_at_stop() const { return is_best_at_stop_; }

  void told_what_fits(const checkpoint::State& state, std::int64_t epochs, const std::string& words);

  /// Waits for what is being written before.
  void ended(const std::string& reason);

  /// The same for who leaves a run of which something stands still: saves the last good state, if the disk has no later
  /// one, and waits, not for long, for one that is being written. Any thread may call it.
  void left_behind(const std::string& reason);

  /// The step after `state` was made more than once: see Retry.
  void retried(const checkpoint::State& state, const std::vector<Retry>& retries);

  /// After a roll-back to an update, because of so many steps in a row; `state` is the one it left, of before the last
  /// of them.
  void rolled_back(const checkpoint::State& state, std::int64_t to_update, int steps);

  Saver& saver() { return saver_; }

 private:
  void write_metrics(const checkpoint::State& state, const Metrics& raw, const std::optional<Metrics>& averaged,
                     bool is_at_stop);
  void write_metrics_file();
  void tell_of_log();
  void tell_of_log_at_end();
  void record_skip(const checkpoint::State& state, const StepOutcome& outcome);
  double take_epoch_speed();
  void show_progress(const checkpoint::State& state, const StepOutcome& outcome, const observe::PartSeconds& seconds);

  const checkpoint::RunFolder& folder_;
  const Plan& plan_;
  observe::RunLog log_;
  observe::Progress progress_;
  log::Sink sink_before_;  ///< warnings are also written to the run's log
  bool is_best_at_stop_ = false;
  bool log_is_behind_ = false;     ///< since the disk takes nothing
  std::string unwritten_metrics_;  ///< of metrics.json, for the same reason
  std::optional<double> samples_per_second_;
  std::int64_t epoch_samples_ = 0;     ///< of the epoch so far …
  double epoch_training_seconds_ = 0;  ///< … and what they took, without evaluations and snapshots
  FirstEpochWatch first_epoch_;
  std::optional<TargetWatch> target_;
  parallel::SyncReport epoch_sync_;    ///< of the epoch so far
  observe::PartSeconds loop_seconds_;  ///< of the first rank, in the epochs that have ended
  double loop_wall_seconds_ = 0;
  Saver saver_;  ///< the last member: until it is gone, a thread writes to the log
};

}  // namespace lockstep::train
