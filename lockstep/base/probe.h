#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lockstep/base/clock.h"

namespace lockstep {

/// What a thread is doing.
struct Activity {
  const char* name = nullptr;  ///< a string literal; null: nothing that has a name
  int number = -1;             ///< which one of several, if it is not negative: "all-reduce of bucket 3"
  bool is_meeting = false;     ///< whether it waits for other threads, and only for so long
  std::string subject{};       ///< with what, where that has a name: "decode photo-7.jpg"
};

/// Says what the calling thread is doing for as long as it lives, so that another thread can name it ("rank 1: wait for
/// data"). Scopes nest; the innermost is what is seen. Costs two looks at the clock and a lock that is almost never
/// held by another.
class ProbeScope {
 public:
  explicit ProbeScope(const char* name, int number = -1) : ProbeScope(Activity{name, number}) {}
  ProbeScope(const char* name, std::string subject) : ProbeScope(Activity{name, -1, false, std::move(subject)}) {}
  ~ProbeScope();
  ProbeScope(const ProbeScope&) = delete;
  ProbeScope& operator=(const ProbeScope&) = delete;

 protected:
  explicit ProbeScope(Activity activity);

 private:
  Activity before_;
};

/// The same for a thread that waits for others, and gives up by itself when they do not come.
class MeetingScope : public ProbeScope {
 public:
  explicit MeetingScope(const char* name, int number = -1) : ProbeScope(Activity{name, number, true}) {}
};

/// Gives the calling thread a name under which its activities are seen, until the object goes.
class ProbedThread {
 public:
  explicit ProbedThread(std::string name);
  ~ProbedThread();
  ProbedThread(const ProbedThread&) = delete;
  ProbedThread& operator=(const ProbedThread&) = delete;
};

struct ProbeReading {
  std::string thread;       ///< as named by ProbedThread
  std::string activity;     ///< "idle" where there is none
  double seconds = 0;       ///< since it began anything else, or ended it
  bool is_meeting = false;  ///< see Activity
  bool is_idle = false;     ///< whether it is at nothing that has a name
};

/// What every named thread is doing just now, in the order in which they were named.
std::vector<ProbeReading> read_probes();

/// What the thread of that name is doing, or "gone" where there is none.
std::string read_probe(const std::string& thread);

}  // namespace lockstep
