#pragma once

#include <signal.h>
#include <sys/types.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/base/clock.h"

namespace lockstep::parallel {

/// How a process has ended.
struct ProcessEnd {
  int code = 0;    ///< that it gave
  int signal = 0;  ///< that ended it, or 0
};

/// A copy of this program in a process of its own, which the kernel ends when this one ends.
class ChildProcess {
 public:
  /// Starts it with these words of the command line and these variables ("NAME=value") beside the environment. It does
  /// not get the signals of the terminal, and blocks no signal.
  /// Throws MachineError.
  ChildProcess(const std::vector<std::string>& command, const std::vector<std::string>& variables);

  /// Kills it where it has not ended, and waits for its end.
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;

  /// Sends a signal, unless it has ended.
  void send(int signal) const;

  /// Looks whether it has ended, or was stopped.
  bool has_ended();

  /// Whether `has_ended` has seen it stopped, as by SIGSTOP, and not gone on since.
  bool is_stopped() const { return is_stopped_ && !end_; }

  /// How it has ended, if `has_ended` has seen that.
  const std::optional<ProcessEnd>& end() const { return end_; }

 private:
  pid_t process_ = -1;
  std::optional<ProcessEnd> end_;
  bool is_stopped_ = false;
};

/// While it lives, these signals do not interrupt this thread and those that it starts, but wait to be asked for.
class BlockedSignals {
 public:
  explicit BlockedSignals(std::initializer_list<int> signals);
  ~BlockedSignals();
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

  /// The next signal that has come, or comes within this time; 0 for none.
  int next(Seconds at_most) const;

 private:
  sigset_t blocked_{};
  sigset_t before_{};
};

}  // namespace lockstep::parallel
