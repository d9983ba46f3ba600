#pragma once

#include <filesystem>
#include <memory>

#include "lockstep/cli/options.h"
#include "lockstep/tasks/task.h"
#include "lockstep/train/options.h"

namespace lockstep::cli {

/// What a run of a task is given: the task's options and those of training, with the task's defaults.
class TaskSetup {
 public:
  virtual ~TaskSetup() = default;

  /// The table that sets this object.
  virtual OptionTable table() = 0;

  virtual std::filesystem::path& dataset_path() = 0;

  /// The task for one of so many processes of this machine. Throws UserError for options and files that do not fit.
  virtual std::unique_ptr<tasks::Task> make_task(int local_processes) = 0;

  train::TrainOptions train;

 protected:
  TaskSetup() = default;
  TaskSetup(const TaskSetup&) = default;
  TaskSetup& operator=(const TaskSetup&) = default;
};

/// Reads the options of the run in a folder into `setup`; throws DataError where there is none. `train_command`: what
/// such a run is made with, "lockstep train camouflage".
void read_recipe_of_run(TaskSetup& setup, const std::filesystem::path& run_folder, const std::string& train_command);

}  // namespace lockstep::cli
