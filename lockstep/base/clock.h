#pragma once

#include <chrono>
#include <string>

namespace lockstep {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

/// Measures time from its making or its last `lap`.
class Stopwatch {
 public:
  /// Seconds since the start.
  double seconds() const { return Seconds(Clock::now() - start_).count(); }

  /// Seconds since the start; starts anew.
  double lap() {
    const auto now = Clock::now();
    const double elapsed = Seconds(now - start_).count();
    start_ = now;
    return elapsed;
  }

 private:
  Clock::time_point start_ = Clock::now();
};

/// "48 s", "12 min 5 s", "3 h 20 min".
std::string format_duration(double seconds);

/// The time now, as ISO 8601 in UTC with milliseconds: "2026-11-21T11:32:05.120Z".
std::string utc_now();

}  // namespace lockstep
