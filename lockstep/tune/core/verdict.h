#pragma once

#include <string>
#include <vector>

#include "lockstep/tune/core/changes.h"

namespace lockstep::tune {

struct Verdict {
  Prediction now;               ///< by the model; the whole loop was measured
  std::string cause;            ///< what holds the run back, and by how much: a sentence without its full stop
  std::vector<Change> changes;  ///< that gain at least 5 % each, the best first
  std::string words;            ///< all of it, in a few sentences
};

/// Says what holds a run back now, and what helps: the changes that are expected to gain something, those that gain
/// most first; of two within 5 % of each other, the one that costs the user less.
Verdict judge(const Findings& findings);

}  // namespace lockstep::tune
