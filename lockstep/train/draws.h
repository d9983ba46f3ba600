#pragma once

#include <vector>

#include "lockstep/checkpoint/state.h"
#include "lockstep/data/dataset.h"
#include "lockstep/train/plan.h"

namespace lockstep::train {

/// The samples of each pass of a rank in the step at `state`.
std::vector<std::vector<data::Draw>> draws_of_passes(const Plan& plan, const Stage& stage,
                                                     const checkpoint::State& state, int rank);

}  // namespace lockstep::train
