#include "tests/support/failing_locks.h"

#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace {

std::atomic<int> failure{0};

}  // namespace

/// Takes the place of the C library's in a program with tests that need it.
extern "C" int flock(int descriptor, int operation) noexcept {
  if (const int error = failure.load(); error != 0) {
    errno = error;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_flock, descriptor, operation));
}

namespace lockstep::test {

FailingLocks::FailingLocks(int error_number) { failure = error_number; }

FailingLocks::~FailingLocks() { failure = 0; }

}  // namespace lockstep::test
