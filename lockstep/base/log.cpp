#include "lockstep/base/log.h"

#include <iostream>
#include <mutex>
#include <utility>

namespace lockstep::log {
namespace {

struct Shared {
  std::mutex mutex;
  Sink sink = [](Level level, const std::string& line) {
    std::cerr << (level == Level::kWarning ? "lockstep: warning: " : "") + line + "\n";
  };
};

Shared& shared() {
  static Shared instance;
  return instance;
}

void emit(Level level, const std::string& line) {
  const std::lock_guard lock(shared().mutex);
  shared().sink(level, line);
}

}  // namespace

Sink set_sink(Sink sink) {
  const std::lock_guard lock(shared().mutex);
  return std::exchange(shared().sink, std::move(sink));
}

void info(const std::string& line) { emit(Level::kInfo, line); }

void warn(const std::string& line) { emit(Level::kWarning, line); }

}  // namespace lockstep::log
