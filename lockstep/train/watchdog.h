#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "lockstep/base/clock.h"
#include "lockstep/base/probe.h"

namespace lockstep::train {

/// Says of threads, in words, that all of them that are at something have been at it for at least `limit`; nothing
/// where one has got on, or where one waits for others, which it gives up by itself. Of `helpers`, those are named
/// beside them that have been at something for half as long: what others wait for may have begun after they did.
std::optional<std::string> describe_standstill(const std::vector<ProbeReading>& threads, Seconds limit,
                                               const std::vector<ProbeReading>& helpers = {});

/// Sees to it that a run ends in which nobody is left to miss those that stand still: the one rank of a process, or all
/// its ranks. A rank that others wait for is missed by them.
class Watchdog {
 public:
  /// Looks at the threads of these names (base/probe.h) from now until it goes. When all of them that are at something
  /// have stood still for `limit`, `bark` is called once, by a thread of the watchdog, with a TrainingError.
  Watchdog(Seconds limit, std::vector<std::string> names, std::function<void(const std::exception_ptr&)> bark);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  void look_now_and_then();
  std::optional<std::string> look() const;

  const Seconds limit_;
  const std::vector<std::string> names_;
  const std::function<void(const std::exception_ptr&)> bark_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_over_ = false;
  std::jthread thread_;
};

}  // namespace lockstep::train
