#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "lockstep/data/batch.h"
#include "lockstep/train/options.h"
#include "lockstep/train/plan.h"

/// Faults that options can plant, so that what is done about them can be checked: hidden flags, of no other use.
namespace lockstep::train {

/// Lets reading samples be as slow as the options ask for, in the whole process.
void plant_slow_disk(const TrainOptions& options);

/// Keeps the slow rank, in each of its passes, as long as the options ask for. Called by every rank.
void plant_slow_rank(const TrainOptions& options, int rank);

// What --inject asks for. Called by every rank; `step` is the run's, from 0 as State counts them.

/// In a batch that the loader has handed out: takes the first sample out of it as one that cannot be read.
void plant_in_batch(const Plan& plan, int rank, std::int64_t step, data::Batch& batch);

/// Before a forward pass over that many samples: stops the rank or the process, fills the disk, or throws.
void plant_before_forward(const TrainOptions& options, int rank, std::int64_t step, std::uint64_t samples);

/// After a forward pass: its losses, (batch) float32, with what strikes them or will strike in the backward pass.
at::Tensor plant_after_forward(const TrainOptions& options, int rank, std::int64_t step, const at::Tensor& losses);

}  // namespace lockstep::train
