#pragma once

#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "lockstep/base/clock.h"
#include "lockstep/base/error.h"

namespace lockstep::parallel {

/// Thrown in a rank that waits for, or comes to, a meeting which another rank has called off.
class PeerFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Thrown in a rank that has waited for others in vain.
class RanksMissing : public TrainingError {
 public:
  using TrainingError::TrainingError;
};

/// The name under which a rank's thread shows what it is doing (base/probe.h): "rank 1".
std::string rank_name(int rank);

/// Where the ranks of one process meet. Free of LibTorch, so that it can be tested under the thread sanitizer.
class Rendezvous {
 public:
  /// A rank waits at most `timeout` for the others.
  Rendezvous(int world_size, Seconds timeout);

  int world_size() const { return world_size_; }
  Seconds timeout() const { return timeout_; }

  /// Returns once every rank has come. `occasion` says what for, and must be the same for all: two ranks that come for
  /// different reasons have taken different ways through the program, which is our mistake (std::logic_error).
  /// Throws RanksMissing after the time-out, naming the ranks that did not come and what they are doing; PeerFailed
  /// where a rank has called the meeting off.
  void meet(int rank, const char* occasion);

  /// Calls off this and every later meeting: whoever waits or comes throws PeerFailed with this reason.
  void call_off(const std::string& reason);

 private:
  std::string absent_ranks() const;

  const int world_size_;
  const Seconds timeout_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<bool> present_;
  int arrived_ = 0;
  std::size_t meetings_ = 0;  ///< how many meetings have taken place
  const char* occasion_ = nullptr;
  bool called_off_ = false;
  std::string reason_;
};

}  // namespace lockstep::parallel
