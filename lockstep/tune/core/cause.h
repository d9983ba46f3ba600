#pragma once

#include <string>

#include "lockstep/tune/core/findings.h"

namespace lockstep::tune {

/// The one thing that holds a run back now, and by how much, as a sentence without its full stop: "the decode threads
/// hold the ranks back: 1 decode thread loads 42.0 samples/s, …". Where nothing does, it says so. `now` is what the
/// model says of the run as it is.
std::string name_cause(const Findings& findings, const Prediction& now);

/// "38 %"
std::string percent(double share);

}  // namespace lockstep::tune
