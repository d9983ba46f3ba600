#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lockstep/data/batch_plan.h"
#include "lockstep/optim/schedule.h"
#include "lockstep/tasks/task.h"
#include "lockstep/train/options.h"

namespace lockstep::train {

/// What becomes of the backbone in a stage.
enum class Backbone {
  kTrained,
  kFrozen,
  kThawing,  ///< from its deepest part to its shallowest, over the first half of the stage
};

/// Epochs that share a schedule and an optimizer. A run has one stage, or two: decoder and head first, with the
/// backbone frozen, and then everything.
struct Stage {
  std::string name;  ///< "stage 1"; empty where the run has one only
  std::int64_t first_epoch = 0;
  std::int64_t end_epoch = 0;
  std::int64_t first_step = 0;  ///< of the run
  data::BatchPlan batches{};
  optim::Schedule schedule;
  Backbone backbone = Backbone::kTrained;
  std::string rate;  ///< how the learning rate came about, in words

  std::int64_t steps() const {
    return (end_epoch - first_epoch) * static_cast<std::int64_t>(batches.steps_per_epoch());
  }
};

/// What the stages of a run follow from beside its options.
struct RunSetting {
  std::uint64_t samples_per_epoch = 0;
  int world_size = 1;
  bool deep_supervision = false;               ///< of the task
  std::vector<std::int64_t> global_batches{};  ///< of the run that is resumed, by stage, since a run keeps them on
                                               ///< another number of ranks; empty for a new one
};

/// The stages of a run. Throws UsageError for options that contradict each other.
std::vector<Stage> plan_stages(const TrainOptions& options, const RunSetting& setting);

/// Those of a new run of a task on so many ranks.
std::vector<Stage> plan_stages(const TrainOptions& options, const tasks::Task& task, int world_size);

/// The stage in which an epoch lies; the last one for the end of the run.
const Stage& stage_of(const std::vector<Stage>& stages, std::int64_t epoch);

/// How the samples are dealt out over the whole run.
data::RunPlan run_plan(const std::vector<Stage>& stages);

/// Steps of the whole run.
std::int64_t total_steps(const std::vector<Stage>& stages);

/// Steps of the run that lie before an epoch. The epoch is none before the first stage.
std::int64_t steps_before(const std::vector<Stage>& stages, std::int64_t epoch);

/// Epochs done after so many steps.
double epochs_after(const std::vector<Stage>& stages, std::int64_t steps);

/// The prefixes of the parameters that do not learn in an epoch.
std::vector<std::string> frozen_prefixes(const Stage& stage, std::int64_t epoch, const tasks::Model& model);

}  // namespace lockstep::train
