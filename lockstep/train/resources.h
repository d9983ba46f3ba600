#pragma once

#include "lockstep/parallel/world.h"
#include "lockstep/train/options.h"

namespace lockstep::train {

/// How the cores of the machine are shared out.
struct Resources {
  int decode_threads = 1;
  int threads_per_rank = 1;
};

/// As many threads as each rank on the CPU can have without there being more threads than cores; 1 with GPUs. The most
/// that are worth trying, and what a run gets where nothing else is said.
int most_threads_per_rank(const parallel::World& world, int cores, const TrainOptions& options);

/// What the options leave open follows from the machine: on the CPU a quarter of the cores decode and the ranks share
/// the others, with GPUs all cores decode. Threads of an operator spin while they wait for each other, so with more of
/// them than free cores a step takes many times as long: then a rank gets one. Processes of the run that may use the
/// same cores share them, and what --num-workers says, alike. `threads_of_run` is what a run that is
/// resumed has used, since sums depend on it; 0 for a new run.
Resources share_cores(const parallel::World& world, int cores, const TrainOptions& options, int threads_of_run);

}  // namespace lockstep::train
