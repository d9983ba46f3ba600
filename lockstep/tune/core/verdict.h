#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lockstep/tune/core/cost_model.h"

namespace lockstep::tune {

/// What the ranks did with another batch size, their data at hand.
struct BatchTrial {
  std::int64_t batch_size = 1;
  double samples_per_second = 0;
};

/// All that was measured, as far as the verdict rests on it.
struct Findings {
  Setting setting;
  std::int64_t batch_size = 1;  ///< samples a rank and pass
  LoadCosts load;
  std::map<std::string, double> load_shares;  ///< of a decode thread's time, by work ("read", "decode mask")
  StepCosts step;
  std::vector<double> seconds_alone;  ///< by rank: of a pass, the others being idle
  std::vector<BatchTrial> batches;    ///< larger than batch_size
  double samples_per_second = 0;      ///< of the whole loop
  int threads_per_rank = 1;

  /// The ranks that take the cores which do not decode; 0 where their threads are given, or they are GPUs.
  int ranks_by_rule = 0;

  std::string device_flags;  ///< for --devices, without the slowest rank; empty where there is only one
  bool has_cache = false;    ///< whether the program has --cache, and this run does not use it
};

/// Something to be changed, and what that gains.
struct Change {
  std::string flag;                ///< empty where no flag changes it
  std::string value;               ///< of the flag
  std::string problem;             ///< what holds the run back, and by how much
  std::string remedy;              ///< what to do
  double foretold_per_second = 0;  ///< of the whole loop, afterwards
  Limit next = Limit::kRanks;      ///< what then holds it back
};

struct Verdict {
  Prediction now;               ///< by the model; the whole loop was measured
  std::vector<Change> changes;  ///< that gain at least 5 % each, the verdict's own first
  std::string words;            ///< all of it, in a few sentences
};

/// Says what holds a run back: the model predicts the loop with each single thing changed, and the change that gains
/// most is the verdict; of two within 5 % of each other, the one that costs the user less. What is foretold is the
/// measured rate of the loop times the gain of the model, so that what the model does not know cancels out.
Verdict judge(const Findings& findings);

}  // namespace lockstep::tune
