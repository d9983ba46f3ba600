#pragma once

#include "lockstep/cli/options.h"
#include "lockstep/optim/schedule_choice.h"

namespace lockstep::cli {

/// Adds the flags for the learning rate and how it goes; they set `choice`.
void add_schedule_options(OptionTable& table, optim::ScheduleChoice& choice);

}  // namespace lockstep::cli
