#include "lockstep/base/signals.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

#include "lockstep/base/error.h"

namespace lockstep {
namespace {

std::atomic<bool> requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may touch lock-free atomics only");

void on_signal(int) {
  if (requested.exchange(true)) {
    ::_exit(static_cast<int>(ExitCode::kStopped));
  }
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

StopSignals::StopSignals() {
  requested = false;
  handle(SIGINT, on_signal);
  handle(SIGTERM, on_signal);
}

StopSignals::~StopSignals() {
  handle(SIGINT, SIG_DFL);
  handle(SIGTERM, SIG_DFL);
}

bool StopSignals::stop_requested() { return requested.load(std::memory_order_relaxed); }

}  // namespace lockstep
