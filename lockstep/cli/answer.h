#pragma once

#include <string>
#include <vector>

#include "lockstep/cli/options.h"

namespace lockstep::cli {

/// Sets the options from the arguments (see `parse`), unless they ask for --help or --print-recipe: then the answer is
/// printed. Says whether it was, and the command has nothing more to do.
bool parse_or_answer(const OptionTable& table, const std::vector<std::string>& arguments, const std::string& command,
                     const std::string& description);

}  // namespace lockstep::cli
