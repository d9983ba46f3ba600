#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/tune/core/load_probe.h"
#include "lockstep/tune/core/verdict.h"
#include "lockstep/tune/step_probe.h"

namespace lockstep::tune {

struct DiagnoseOptions {
  double seconds = 60;     ///< about as long as all of it may take
  bool has_cache = false;  ///< whether the program has --cache, and this run does not use it
};

/// Each part of training alone, and all of them together.
struct Diagnosis {
  std::string setting;  ///< ranks, threads and batch, in words
  LoadMeasurement one_thread;
  LoadMeasurement all_cores;
  StepMeasurement at_hand;  ///< steps of all ranks, their data at hand
  StepMeasurement loop;     ///< steps with everything
  Findings findings;
  Verdict verdict;

  /// Samples a second of the whole loop with the verdict's first change; none where no flag makes it.
  std::optional<double> tried_per_second;
};

/// Measures, on the user's data, network and devices, what a run with these options would do: loading alone with one
/// thread and with one on each core, the passes of each rank alone, the steps of all ranks with data at hand and with
/// larger batches, and the whole loop; then judges, and tries what it recommends. Where steps are so slow that they
/// cannot be measured in the time, they are made with smaller batches. Nothing but a few samples is loaded twice, as
/// far as the training set goes, and the task should keep no decoded pixels, so that what is loaded later is not faster
/// for it. Samples that cannot be read are left out, as many as options.max_bad_samples. All ranks are in this process;
/// nothing is written. Throws UserError as train::run.
Diagnosis diagnose(const tasks::Task& task, const train::TrainOptions& options, const DiagnoseOptions& asked);

}  // namespace lockstep::tune
