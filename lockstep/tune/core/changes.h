#pragma once

#include <vector>

#include "lockstep/tune/core/verdict.h"

namespace lockstep::tune {

/// What could be changed, with what the model foretells of each, whether it gains anything or not: what costs the user
/// least first.
std::vector<Change> possible_changes(const Findings& findings);

/// "51.3", "512"
std::string rounded(double number);

/// "38 %"
std::string percent(double share);

}  // namespace lockstep::tune
