#pragma once

#include <torch/nn/module.h>

#include "lockstep/checkpoint/state.h"
#include "lockstep/parallel/group.h"

namespace lockstep::train {

/// Throws UsageError, naming the rank, where one starts from other weights or another state than the first: its
/// process sees another run folder or other files. Ranks of one process start from the same. Collective.
void check_same_start(parallel::Group& group, const torch::nn::Module& network, const checkpoint::State& state);

}  // namespace lockstep::train
