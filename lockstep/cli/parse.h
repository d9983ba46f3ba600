#pragma once

#include <string>
#include <vector>

#include "lockstep/cli/general.h"
#include "lockstep/cli/options.h"

namespace lockstep::cli {

/// Sets the variables of `table` from the arguments (without the program's name): first from the recipe that --recipe
/// names, then from the flags. "--flag value", "--flag=value", "--switch" and "--no-switch" are understood, underscores
/// are taken for hyphens, and of a flag given twice the last counts, which is logged. Where help is asked for, the
/// variables are left as they are. `command` is what the user typed before the flags ("lockstep train camouflage").
/// Throws UsageError for whatever cannot be understood, and for an option that is given without the one that it needs;
/// DataError where the recipe cannot be read.
GeneralOptions parse(const OptionTable& table, const std::vector<std::string>& arguments, const std::string& command);

}  // namespace lockstep::cli
