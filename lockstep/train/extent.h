#pragma once

#include <span>

#include "lockstep/checkpoint/state.h"
#include "lockstep/data/dataset.h"
#include "lockstep/observe/step_timer.h"
#include "lockstep/parallel/launch.h"
#include "lockstep/train/plan.h"

namespace lockstep::train {

/// The mean of tasks::Task::extent over these samples; 1 where the task has none. A sample that cannot be read has an
/// extent of 0: it adds nothing to the losses either.
double mean_extent(const tasks::Task& task, std::span<const data::Draw> draws);

/// The mean over the global batch of the step at `state`. Collective, for a task with extents: each rank looks at its
/// own share. Every rank gets the same bits, whatever their number, as long as extents are whole numbers.
double mean_extent_of_step(parallel::Rank& rank, const Plan& plan, const Stage& stage, const checkpoint::State& state,
                           observe::StepTimer& timer);

}  // namespace lockstep::train
