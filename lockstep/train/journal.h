#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "lockstep/base/clock.h"
#include "lockstep/checkpoint/run_folder.h"
#include "lockstep/checkpoint/snapshot.h"
#include "lockstep/observe/progress.h"
#include "lockstep/observe/run_log.h"
#include "lockstep/observe/step_timer.h"
#include "lockstep/optim/schedule.h"
#include "lockstep/train/step.h"

namespace lockstep::train {

/// The split that is evaluated, as the log names it.
inline constexpr const char* kEvaluationSplit = "test";

/// What the first rank writes down of a run: the log, the progress line, snapshots and metrics.
class Journal {
 public:
  Journal(const checkpoint::RunFolder& folder, const TrainOptions& options, const optim::Schedule& schedule,
          std::int64_t total_steps);

  void started(const checkpoint::State& state, int world_size, const nlohmann::json& recipe);

  /// `state` is the one before the step.
  void stepped(const checkpoint::State& state, const StepOutcome& outcome, const observe::PartSeconds& seconds);
  void evaluated(const checkpoint::State& state, const std::map<std::string, double>& metrics);
  void ended(const std::string& reason);

  /// Whether the last snapshot is older than --checkpoint-minutes.
  bool snapshot_is_due() const;
  void save(const checkpoint::Snapshot& snapshot, bool is_best);

 private:
  void show_progress(const checkpoint::State& state, const StepOutcome& outcome, double seconds);

  const checkpoint::RunFolder& folder_;
  const TrainOptions& options_;
  const optim::Schedule& schedule_;
  std::int64_t total_steps_;
  checkpoint::SnapshotFolder snapshots_;
  observe::RunLog log_;
  observe::Progress progress_;
  Stopwatch since_snapshot_;
  std::optional<double> samples_per_second_;
};

}  // namespace lockstep::train
