#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <vector>

#include "lockstep/data/bad_samples.h"
#include "lockstep/data/batch.h"
#include "lockstep/data/dataset.h"

namespace lockstep::data {

/// A sample that could not be loaded.
struct LoadFailure {
  std::size_t sample = 0;  ///< its place in the batch
  std::exception_ptr error;
  bool is_bad_data = false;
};

/// The exception that is being handled, thrown by a dataset for its sample `index`. One that may not say which sample
/// it is about gets its name; where there is no memory for that, it is std::bad_alloc. Throws nothing.
LoadFailure current_load_failure(std::size_t sample, const Dataset& dataset, std::uint64_t index) noexcept;

/// Notes the samples that cannot be read, and takes them out of the batch. Throws what is no matter of a single sample,
/// or where nothing may be left out: `bad_samples` is null, or full.
void settle_failures(const Dataset& dataset, BadSamples* bad_samples, Batch& batch, std::vector<LoadFailure>& failures);

}  // namespace lockstep::data
