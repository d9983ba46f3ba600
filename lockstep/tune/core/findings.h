#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/tune/core/cost_model.h"

namespace lockstep::tune {

/// What the ranks did with another batch size, their data at hand.
struct BatchTrial {
  std::int64_t batch_size = 1;
  double samples_per_second = 0;
};

/// What a cache of decoded pixels in memory would do.
struct CacheFindings {
  LoadCosts load;                  ///< of samples that are in it
  std::uint64_t needed_bytes = 0;  ///< for the whole training set, by the samples that were kept
  std::uint64_t limit = 0;         ///< bytes that it may take

  bool holds_all() const { return needed_bytes <= limit; }
};

/// All that was measured, as far as the verdict rests on it.
struct Findings {
  Setting setting;
  std::int64_t batch_size = 1;  ///< samples a rank and pass
  LoadCosts load;
  std::map<std::string, double> load_shares;  ///< of a decode thread's time, by work ("read", "decode mask")
  StepCosts step;
  std::vector<double> seconds_alone;  ///< by rank: of a pass, the others being idle
  std::vector<double> busy_seconds;   ///< by rank: of a step of all, in which it waits neither for data nor for others
  std::vector<BatchTrial> batches;    ///< larger than batch_size
  double samples_per_second = 0;      ///< of the whole loop
  int threads_per_rank = 1;

  /// The ranks that take the cores which do not decode; 0 where their threads are given, or they are GPUs.
  int ranks_by_rule = 0;

  std::string size_flag = "--img-size";  ///< which makes samples smaller
  std::string device_flags;              ///< for --devices, without the slowest rank; empty where there is only one
  std::optional<CacheFindings> cache;    ///< none where it would not help, is in use, or the program has none

  /// Samples a second of the whole loop with a change that was tried, by its flag.
  std::map<std::string, double> tried;
};

/// Samples a second that the ranks could take, were they never to wait for data.
double rank_rate(const Findings& findings);

/// The part of a decode thread's time in 0 … 1 that goes into the work of that name.
double share_of(const Findings& findings, const std::string& work);

/// A rank that the others wait for.
struct SlowRank {
  std::size_t rank = 0;
  double seconds = 0;         ///< of a pass, alone on the machine
  double seconds_others = 0;  ///< of the slowest of the others
};

/// The slowest rank, if alone on the machine it takes at least 1.2 times as long as any other.
std::optional<SlowRank> find_slow_rank(const Findings& findings);

}  // namespace lockstep::tune
