#pragma once

#include <optional>

#include "lockstep/checkpoint/origin_run.h"
#include "lockstep/cli/options.h"
#include "lockstep/train/options.h"

namespace lockstep::cli {

/// The run that --resume-from asks to take up into a run folder; nothing where it is not given, where it names a file
/// of weights, or where the folder has a run of its own that is not set aside: that one goes before it. Throws
/// DataError where it is not there, UsageError where it has other options than the present ones.
std::optional<checkpoint::OriginRun> find_run_to_take_up(const checkpoint::RunFolder& folder, const OptionTable& table,
                                                         const train::TrainOptions& options, bool sets_run_aside);

/// Copies it into the run folder, with the present options; its log goes behind the one that is there.
void take_up_run(const checkpoint::OriginRun& origin, const checkpoint::RunFolder& folder, const OptionTable& table);

}  // namespace lockstep::cli
