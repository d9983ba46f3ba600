#pragma once

#include "lockstep/cli/options.h"
#include "lockstep/train/options.h"

namespace lockstep::cli {

/// Adds the options of the devices: which, and how their work is fed.
void add_machine_options(OptionTable& table, train::TrainOptions& options);

/// Adds the options of training that every task has.
void add_train_options(OptionTable& table, train::TrainOptions& options);

}  // namespace lockstep::cli
