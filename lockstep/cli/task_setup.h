#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "lockstep/cli/options.h"
#include "lockstep/data/dataset.h"
#include "lockstep/data/pixel_cache.h"
#include "lockstep/tasks/task.h"
#include "lockstep/train/options.h"

namespace lockstep::cli {

/// The training set of a task with a cache in memory that is still empty.
struct EmptyCache {
  std::unique_ptr<data::PixelStorage> pixels;
  std::unique_ptr<data::Dataset> samples;  ///< which it keeps; they need task and pixels
};

/// A task that keeps no decoded pixels, to be measured, and beside it what --cache ram would give: none where the task
/// has no such flag, or it is given anyway.
struct MeasuredTask {
  std::unique_ptr<tasks::Task> task;
  std::optional<EmptyCache> cache{};
};

/// What a run of a task is given: the task's options and those of training, with the task's defaults.
class TaskSetup {
 public:
  virtual ~TaskSetup() = default;

  /// The table that sets this object.
  virtual OptionTable table() = 0;

  virtual std::filesystem::path& dataset_path() = 0;

  /// The task for one of so many processes of this machine. Throws UserError for options and files that do not fit.
  virtual std::unique_ptr<tasks::Task> make_task(int local_processes) = 0;

  /// The task for one process, as 'lockstep diagnose' takes it. Throws as make_task.
  virtual MeasuredTask make_task_to_measure() { return {make_task(/*local_processes=*/1)}; }

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
