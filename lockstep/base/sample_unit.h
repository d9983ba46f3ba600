#pragma once

#include <string>

namespace lockstep {

/// What a task calls its samples, and the time in which a handful of them passes.
struct SampleUnit {
  std::string name = "samples";  ///< of several: "episodes"
  std::string time = "s";        ///< "min" …
  double seconds = 1;            ///< … and how long that is

  /// "samples/s"
  std::string per_time() const { return name + "/" + time; }

  /// How many of them pass in that time.
  double rate(double per_second) const { return per_second * seconds; }
};

}  // namespace lockstep
