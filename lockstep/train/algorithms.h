#pragma once

#include "lockstep/train/options.h"

namespace lockstep::train {

/// Tells LibTorch which algorithms it may take on GPUs: with --deterministic those that repeat their bits, else those
/// that it measures to be fast. Before the first of them runs.
void allow_algorithms(const TrainOptions& options);

}  // namespace lockstep::train
