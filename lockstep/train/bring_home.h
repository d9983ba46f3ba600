#pragma once

#include <c10/core/Device.h>

#include "lockstep/checkpoint/run_folder.h"
#include "lockstep/train/plan.h"
#include "lockstep/train/run_watch.h"

namespace lockstep::train {

/// What is to be brought home.
struct HomeOptions {
  bool last_weights = false;  ///< those of the last snapshot, which an evaluation at the stop has found better
  bool examples = true;       ///< in the report
};

/// Leaves the best weights in the run folder, or the last where none was evaluated yet, and a report that shows what
/// they make of some samples. Where the program may run for a certain time only, examples are made as long as there is
/// time. `watch` is that of the run.
void bring_home(const Plan& plan, c10::Device device, const checkpoint::RunFolder& folder, const HomeOptions& options,
                RunWatch& watch);

}  // namespace lockstep::train
