#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "lockstep/base/clock.h"
#include "lockstep/base/work_meter.h"
#include "lockstep/data/bad_samples.h"
#include "lockstep/data/dataset.h"
#include "lockstep/tune/core/cost_model.h"

namespace lockstep::tune {

/// What some threads did that loaded samples and nothing else.
struct LoadMeasurement {
  int threads = 1;
  std::int64_t samples = 0;
  double seconds = 0;                    ///< from the start to the last sample
  std::map<std::string, WorkTime> work;  ///< over all threads

  double samples_per_second() const { return static_cast<double>(samples) / seconds; }

  /// Of a thread, for a sample.
  double seconds_per_sample() const { return seconds * threads / static_cast<double>(samples); }
  double cpu_seconds_per_sample() const;

  /// The part of the threads' time in 0 … 1 that went into the work of that name.
  double share(const std::string& name) const;
};

/// What loading costs, from what one thread did and what as many did as there are cores. Threads that wait for the disk
/// longer when they are many are queueing for it: then it gives no more than it gave them.
LoadCosts costs_of(const LoadMeasurement& one_thread, const LoadMeasurement& all_cores);

/// Lets threads load samples of the training order, from a place in it on, for about so long. Samples that cannot be
/// read are left out and noted in `bad_samples`; null: an error. Throws what the dataset throws, and DataError where
/// nothing can be read.
LoadMeasurement measure_loading(const data::Dataset& samples, int threads, Seconds duration, std::uint64_t seed,
                                std::uint64_t first_position, data::BadSamples* bad_samples = nullptr);

}  // namespace lockstep::tune
