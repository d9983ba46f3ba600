#pragma once

#include <string>
#include <vector>

#include "lockstep/tune/core/findings.h"

namespace lockstep::tune {

/// Something to be changed, and what that gains.
struct Change {
  std::string flag;                ///< empty where no flag changes it
  std::string value;               ///< of the flag
  std::string remedy;              ///< what to do
  double foretold_per_second = 0;  ///< of the whole loop, afterwards
  bool was_tried = false;          ///< what is foretold was measured, not reckoned
  Limit next = Limit::kRanks;      ///< what then holds it back
};

/// What could be changed, with what is to be expected of each, whether it gains anything or not: what costs the user
/// least first. Expected is what the loop did where the change was tried; else the measured rate of the loop times the
/// gain by the model, so that what the model does not know cancels out.
std::vector<Change> possible_changes(const Findings& findings);

}  // namespace lockstep::tune
