#pragma once

#include <string>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/cli/task_setup.h"

namespace lockstep::cli {

/// What 'lockstep diagnose TASK' has beside the flags of `train_command` ("lockstep train camouflage"), as Markdown.
std::string diagnose_flags(const std::string& train_command);

/// What it does: measures what a run with these options would, and prints what holds it back. `setup` has the task's
/// defaults; the flags of both are in `words`.
ExitCode diagnose_task(TaskSetup& setup, const std::string& train_command, const std::string& command,
                       const std::vector<std::string>& words);

}  // namespace lockstep::cli
