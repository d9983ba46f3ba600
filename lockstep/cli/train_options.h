#pragma once

#include <cstdint>
#include <optional>

#include "lockstep/cli/options.h"
#include "lockstep/train/options.h"

namespace lockstep::cli {

/// Adds the options of the devices: which, and how their work is fed.
void add_machine_options(OptionTable& table, train::TrainOptions& options);

/// Adds the options of training that every task has. A task that finds out by itself how many epochs it has, where it
/// is not told, gives `epochs`, which --epochs then sets.
void add_train_options(OptionTable& table, train::TrainOptions& options, std::optional<std::int64_t>* epochs = nullptr);

}  // namespace lockstep::cli
