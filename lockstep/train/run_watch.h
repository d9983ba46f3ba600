#pragma once

#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "lockstep/base/probe.h"
#include "lockstep/parallel/launch.h"
#include "lockstep/parallel/world.h"
#include "lockstep/train/watchdog.h"

namespace lockstep::train {

/// What a run asks of the program around it.
struct RunHooks {
  /// Ends the process though threads of it are stuck (see cli/leave.h), after `last_words`, which write down why.
  /// Without it what stands still for ever is waited for.
  std::function<void(const std::exception_ptr& error, const std::function<void()>& last_words)> leave{};
};

/// Sees to it that the program ends although something in it stands still for ever: a rank that others miss, all ranks,
/// or, when no ranks are at work, the thread that made this, in whatever it opens a ProbeScope for. One a thread and at
/// a time.
class RunWatch {
 public:
  /// What is told to whoever is left behind: the reason, in words.
  using LastWords = std::function<void(const std::string& reason)>;

  /// Nothing may stand still for longer than `limit`. World and hooks must outlive it.
  RunWatch(const parallel::World& world, const RunHooks& hooks, Seconds limit);
  RunWatch(const RunWatch&) = delete;
  RunWatch& operator=(const RunWatch&) = delete;

  /// parallel::launch, whose collectives wait for `limit`. The program is left with the first error that it throws,
  /// though something stands still afterwards.
  void launch(const parallel::World& world, int threads_per_rank, const std::function<void(parallel::Rank&)>& body);

  /// What is to be done before the program is left, in whatever thread; null: nothing. Where the program is being left
  /// it does not return, so that what the words before need stays there.
  void set_last_words(LastWords words);

 private:
  std::vector<std::string> watched_names() const;
  void leave(const std::exception_ptr& standstill);

  const parallel::World& world_;
  const RunHooks& hooks_;
  const Seconds limit_;
  const std::string own_name_;
  const ProbedThread own_thread_;
  std::mutex mutex_;
  LastWords last_words_;
  std::exception_ptr first_error_;
  std::optional<Watchdog> watchdog_;  ///< the last member: it may call the others to the end
};

}  // namespace lockstep::train
