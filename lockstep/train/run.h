#pragma once

#include <nlohmann/json_fwd.hpp>

#include "lockstep/checkpoint/run_folder.h"
#include "lockstep/tasks/task.h"
#include "lockstep/train/loop.h"
#include "lockstep/train/options.h"

namespace lockstep::train {

/// Trains a task on all devices of the options, from the start or from the last snapshot in the run folder, to the end
/// or until it is stopped, and leaves log, snapshots, metrics, the best weights and a report in the folder. `recipe` is
/// what the log shows as the options of the run. Throws UserError; what was saved before is then safe.
RunEnd run(const tasks::Task& task, const TrainOptions& options, const checkpoint::RunFolder& folder,
           const nlohmann::json& recipe);

}  // namespace lockstep::train
