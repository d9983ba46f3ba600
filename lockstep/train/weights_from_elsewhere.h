#pragma once

#include <cstdint>
#include <vector>

#include "lockstep/checkpoint/state.h"
#include "lockstep/checkpoint/weights_file.h"
#include "lockstep/train/options.h"

namespace lockstep::train {

/// The weights that a new run is given, in the order in which it takes them up: --pretrained, then --resume-from where
/// that is a file. Throws DataError.
std::vector<checkpoint::WeightsFile> read_weights_to_begin_with(const TrainOptions& options);

/// How many epochs count as done in a run that begins with these weights: --start-epoch, or what the file of
/// --resume-from says. Throws UsageError where it says that nothing is left of --epochs.
std::int64_t epochs_done_before(const TrainOptions& options, const std::vector<checkpoint::WeightsFile>& weights);

/// Throws UsageError where a run that begins with this state has no step to make before --max-steps.
void check_steps_left(const TrainOptions& options, const checkpoint::State& state);

}  // namespace lockstep::train
