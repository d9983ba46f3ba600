#pragma once

#include <map>
#include <string>

namespace lockstep {

/// What some kind of work has taken, over all threads.
struct WorkTime {
  double seconds = 0;      ///< on the wall's clock
  double cpu_seconds = 0;  ///< of them, those in which a processor worked
};

/// Collects what the threads of the process spend their time on for as long as it lives; there may be one at a time.
class WorkMeter {
 public:
  WorkMeter();
  ~WorkMeter();
  WorkMeter(const WorkMeter&) = delete;
  WorkMeter& operator=(const WorkMeter&) = delete;

  /// By the names of the scopes that have ended since.
  std::map<std::string, WorkTime> times() const;
};

/// A kind of work that the calling thread does for as long as it lives, such as "read". Names must be string literals.
/// Scopes nest: what is inside one counts there and not outside. Costs next to nothing where nobody meters.
class WorkScope {
 public:
  explicit WorkScope(const char* name);
  ~WorkScope();
  WorkScope(const WorkScope&) = delete;
  WorkScope& operator=(const WorkScope&) = delete;

 private:
  const char* name_ = nullptr;  ///< null where nobody meters
  WorkScope* outer_ = nullptr;
  WorkTime begin_;
  WorkTime inside_;  ///< of the scopes within
};

}  // namespace lockstep
