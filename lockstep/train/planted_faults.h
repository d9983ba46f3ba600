#pragma once

#include "lockstep/train/options.h"

/// Faults that options can plant, so that 'lockstep diagnose' can be checked: hidden flags, of no other use.
namespace lockstep::train {

/// Lets reading samples be as slow as the options ask for, in the whole process.
void plant_slow_disk(const TrainOptions& options);

/// Keeps the slow rank, in each of its passes, as long as the options ask for. Called by every rank.
void plant_slow_rank(const TrainOptions& options, int rank);

}  // namespace lockstep::train
