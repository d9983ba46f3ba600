#pragma once

#include <cstdint>
#include <limits>
#include <string>

namespace lockstep::tune {

/// What loading samples costs while nothing else is going on.
struct LoadCosts {
  double seconds_alone = 0;  ///< that one thread takes for a sample, waiting included
  double seconds_busy = 0;   ///< the same with as many threads as there are cores
  double cpu_seconds = 0;    ///< of those, that a core works for the sample
  double read_wait = 0;      ///< of those, that a thread alone waits for the disk

  /// Samples a second that the disk gives, however many threads ask for them.
  double most_per_second = std::numeric_limits<double>::infinity();
};

/// What the flags say, and the machine gives.
struct Setting {
  int cores = 1;
  int decode_threads = 1;
  double samples_per_step = 1;  ///< over all ranks
};

/// What the ranks' part of a step costs, all ranks at work together and their data at hand.
struct StepCosts {
  double seconds = 0;     ///< of a step
  double busy_cores = 0;  ///< that the process keeps at work meanwhile, on the mean

  /// Of the ranks, for a sample.
  double cpu_seconds_per_sample(const Setting& setting) const {
    return busy_cores * seconds / setting.samples_per_step;
  }
};

/// What keeps a run from being faster.
enum class Limit {
  kDecodeThreads,  ///< all of them are busy, and more of them would help
  kDisk,           ///< threads wait for it, and more of them would, too
  kRanks,          ///< they are busy
  kCores,          ///< decode threads and ranks share them, and all are busy
};

/// What a run is expected to do.
struct Prediction {
  double samples_per_second = 0;
  Limit limit = Limit::kRanks;
  double next_per_second = 0;  ///< what the next limit allows, were the first one lifted
  Limit next = Limit::kRanks;
};

/// What one setting is expected to do: the least of four rates, in samples a second, each of which the whole cannot
/// exceed. With T decode threads on C cores:
///
///   decode threads  T / t, where t goes from the seconds that a sample takes alone to those it takes on a busy machine
///                   as T goes from 1 to C: cores share their memory, and often more than that
///   disk            the most that it gives
///   ranks           samples of a step / its seconds
///   cores           C / (CPU seconds of decoding a sample + CPU seconds of the ranks for it)
///
/// Decoding goes on behind the ranks' backs, so that whatever is slower hides the other; the cores are what both need.
Prediction predict(const LoadCosts& load, const StepCosts& step, const Setting& setting);

/// The rate of the decode threads alone: the first two of the four.
double load_rate(const LoadCosts& load, int threads, int cores);

/// "the decode threads", "the disk" …
std::string name_of(Limit limit);

}  // namespace lockstep::tune
