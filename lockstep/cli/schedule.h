#pragma once

#include <string>
#include <vector>

#include "lockstep/base/error.h"

namespace lockstep::cli {

/// The flags of `lockstep schedule`, as Markdown.
std::string schedule_flags();

/// Prints the learning rate of a run that need not exist yet, as a table, and draws its curve into a file.
ExitCode schedule(const std::string& command, const std::vector<std::string>& arguments);

}  // namespace lockstep::cli
