#include "tests/support/logged_lines.h"

namespace lockstep::test {

LoggedLines::LoggedLines()
    : before_(log::set_sink([this](log::Level, const std::string& line) {
        const std::lock_guard lock(mutex_);
        lines_ += line + "\n";
      })) {}

LoggedLines::~LoggedLines() { log::set_sink(before_); }

std::string LoggedLines::text() const {
  const std::lock_guard lock(mutex_);
  return lines_;
}

}  // namespace lockstep::test
