#pragma once

#include <string>
#include <vector>

#include "lockstep/base/error.h"

namespace lockstep::cli {

/// `lockstep data check`: reads every file of a dataset of any kind that is known, and prints what there is, what is
/// odd, and what training would refuse. Throws DataError where it would refuse anything.
ExitCode data_check(const std::string& command, const std::vector<std::string>& arguments);

/// Its flags, as Markdown.
std::string data_check_flags();

}  // namespace lockstep::cli
