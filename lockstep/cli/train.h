#pragma once

#include "lockstep/base/error.h"
#include "lockstep/cli/task_setup.h"
#include "lockstep/train/loop.h"

namespace lockstep::cli {

/// What 'lockstep train TASK' does once its options are set: starts the run in the run folder, or resumes it, in this
/// process or in several that it starts. `table` is that of `setup`, so that the recipe shows what --autotune chooses.
ExitCode train_as_told(TaskSetup& setup, const OptionTable& table);

/// The same in this process and those that a launcher has started beside it. Its paths must be absolute.
train::RunEnd train_here(TaskSetup& setup, const OptionTable& table);

/// The recipe in the run folder is also read from elsewhere, by `evaluate` and `predict`.
void make_paths_absolute(TaskSetup& setup);

ExitCode exit_code_of(train::RunEnd end);

}  // namespace lockstep::cli
