#pragma once

#include <nlohmann/json_fwd.hpp>

#include "lockstep/checkpoint/run_folder.h"
#include "lockstep/parallel/world.h"
#include "lockstep/tasks/task.h"
#include "lockstep/train/loop.h"
#include "lockstep/train/options.h"
#include "lockstep/train/run_watch.h"

namespace lockstep::train {

/// Trains a task on all ranks of the world, from the start or from the last snapshot in the run folder, to the end or
/// until it is stopped, and leaves log, snapshots, metrics, the best weights and a report in the folder. `folder` is
/// held by the first process of the world, which alone writes, and null in the others; it is prepared when this is
/// called in any of them. `recipe` is what the log shows as the options of the run. Throws UserError; what was saved
/// before is then safe. `bad_samples`: those that autotune has met for this run; null for none.
RunEnd run(const parallel::World& world, const tasks::Task& task, const TrainOptions& options,
           const checkpoint::RunFolder* folder, const nlohmann::json& recipe, data::BadSamples* bad_samples = nullptr,
           const RunHooks& hooks = {});

}  // namespace lockstep::train
