#pragma once

#include <string>
#include <vector>

#include "lockstep/tune/core/verdict.h"

namespace lockstep::tune {

/// What could be changed, with what the model foretells of each, whether it gains anything or not: what costs the user
/// least first.
std::vector<Change> possible_changes(const Findings& findings);

/// "38 %"
std::string percent(double share);

}  // namespace lockstep::tune
