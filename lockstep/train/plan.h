#pragma once

#include <limits>
#include <vector>

#include "lockstep/data/bad_samples.h"
#include "lockstep/tasks/task.h"
#include "lockstep/train/memory_format.h"
#include "lockstep/train/options.h"
#include "lockstep/train/precision.h"
#include "lockstep/train/stages.h"

namespace lockstep::train {

/// What a run does, decided before its ranks start and the same for all of them.
struct Plan {
  const tasks::Task& task;
  const TrainOptions& options;
  std::vector<Stage> stages{};
  Precision precision{};
  MemoryFormat memory_format{};
  double seconds_to_run = std::numeric_limits<double>::infinity();  ///< of the program, from its start on
  data::BadSamples* bad_samples = nullptr;  ///< those of this process: all its loaders leave them out and note them
};

}  // namespace lockstep::train
