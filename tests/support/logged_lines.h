#pragma once

#include <mutex>
#include <string>

#include "lockstep/base/log.h"

namespace lockstep::test {

/// Catches the lines that are logged while it lives; thread-safe.
class LoggedLines {
 public:
  LoggedLines();
  ~LoggedLines();
  LoggedLines(const LoggedLines&) = delete;
  LoggedLines& operator=(const LoggedLines&) = delete;

  /// All lines so far.
  std::string text() const;

 private:
  mutable std::mutex mutex_;
  std::string lines_;
  log::Sink before_;
};

}  // namespace lockstep::test
