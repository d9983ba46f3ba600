#pragma once

#include "lockstep/data/bad_samples.h"
#include "lockstep/parallel/world.h"
#include "lockstep/tasks/task.h"
#include "lockstep/train/options.h"
#include "lockstep/train/run_watch.h"

namespace lockstep::train {

/// Measures with which memory format, and on the CPU with how many threads a rank, the steps of a new run are fastest,
/// and puts that into `options` where they leave it open. All ranks of the world work at once, as in training: forward
/// and backward over a real batch, and the sum of the gradients, for about 20 s in all. Says what it tried. Collective
/// over the processes of the world; all come to the same choice. Samples that cannot be read are noted in
/// `bad_samples`, which `run` then goes on with, so that each is named and counted once. Throws UserError as `run`
/// does.
void autotune(const parallel::World& world, const tasks::Task& task, TrainOptions& options,
              data::BadSamples& bad_samples, const RunHooks& hooks = {});

}  // namespace lockstep::train
