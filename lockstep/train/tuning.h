#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lockstep/base/clock.h"
#include "lockstep/parallel/group.h"
#include "lockstep/train/options.h"

namespace lockstep::train {

/// What a run can compute with. It changes the speed, and results by rounding.
struct Tuning {
  std::string memory_format;
  int threads_per_rank = 1;

  bool operator==(const Tuning&) const = default;
};

/// What is worth trying where options leave a choice, what the rules choose first: both memory formats, each with the
/// most threads that a rank can have and with 1, 2, 4, … of them.
std::vector<Tuning> tunings_to_try(const TrainOptions& options, int most_threads_per_rank);

/// Collective: the greatest of the numbers that the ranks give.
double greatest_of_ranks(parallel::Group& group, double number);

/// How long a step takes with a tuning.
struct Trial {
  Tuning tuning;
  double seconds = 0;  ///< on the slowest rank
};

/// Makes a step with a tuning, together with the other ranks, and says how many seconds it took on this one.
using TimedStep = std::function<double(const Tuning& tuning)>;

/// Collective: tries each tuning with a step that does not count, and takes the median of up to five more. Steps are
/// fewer where they are slow, and tunings are left out once the trials have taken `budget`, but never the first. The
/// same numbers on every rank.
std::vector<Trial> try_out(parallel::Group& group, const std::vector<Tuning>& tunings, const TimedStep& step,
                           Seconds budget);

/// The fastest of the trials; the first of them where no other is faster by more than such times repeat (3 %).
const Trial& winner_of(const std::vector<Trial>& trials);

}  // namespace lockstep::train
