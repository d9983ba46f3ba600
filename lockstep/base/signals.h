#pragma once

namespace lockstep {

/// While it lives, SIGINT and SIGTERM ask the run to stop at the next step instead of ending the process; a second
/// signal ends the process at once. One at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// Whether a signal came since the making of this object.
  static bool stop_requested();
};

}  // namespace lockstep
