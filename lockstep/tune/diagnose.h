#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/data/pixel_cache.h"
#include "lockstep/tune/core/load_probe.h"
#include "lockstep/tune/core/verdict.h"
#include "lockstep/tune/step_probe.h"

namespace lockstep::tune {

/// The training set with a cache in memory that is still empty.
struct CachedSamples {
  const data::Dataset& samples;
  const data::PixelStorage& pixels;  ///< where it keeps them
};

struct DiagnoseOptions {
  double seconds = 60;                   ///< about as long as all of it may take
  std::optional<CachedSamples> cache{};  ///< what --cache ram would give; none where it is not to be recommended
};

/// Each part of training alone, and all of them together.
struct Diagnosis {
  std::string setting;  ///< ranks, threads and batch, in words
  LoadMeasurement one_thread;
  LoadMeasurement all_cores;
  std::optional<LoadMeasurement> cached_one_thread;  ///< from the cache
  std::optional<LoadMeasurement> cached_all_cores;
  StepMeasurement at_hand;  ///< steps of all ranks, their data at hand
  StepMeasurement loop;     ///< steps with everything
  Findings findings;
  Verdict verdict;
};

/// Measures, on the user's data, network and devices, what a run with these options would do: loading alone with one
/// thread and with one on each core, the passes of each rank alone, the steps of all ranks with data at hand and with
/// larger batches, and the whole loop; then judges, tries each change of a flag that it would recommend, and judges
/// again. Where loading is what holds it back, some samples are put into the cache, if there is one, and what that
/// gives is measured, too. Where steps are so slow that they cannot be measured in the time, they are made with smaller
/// batches. Nothing but these and a few more is loaded twice, as far as the training set goes, and the task should keep
/// no decoded pixels, so that what is loaded later is not faster for it. Samples that cannot be read are left out, as
/// many as options.max_bad_samples. All ranks are in this process; nothing is written. Throws UserError as train::run.
Diagnosis diagnose(const tasks::Task& task, const train::TrainOptions& options, const DiagnoseOptions& asked);

}  // namespace lockstep::tune
