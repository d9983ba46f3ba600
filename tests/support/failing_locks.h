#pragma once

namespace lockstep::test {

/// While it lives, flock(2) fails with this error number in the whole program, as on a file system without locks.
class FailingLocks {
 public:
  explicit FailingLocks(int error_number);
  ~FailingLocks();
  FailingLocks(const FailingLocks&) = delete;
  FailingLocks& operator=(const FailingLocks&) = delete;
};

}  // namespace lockstep::test
