#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "lockstep/parallel/meeting_place.h"

namespace lockstep::parallel {

/// Finds out who is missing when a collective between processes has failed. Every rank counts the collectives that it
/// has come to, and a thread of each process answers from time to time when another one asks; the count is all that it
/// costs while nothing fails.
class RollCall {
 public:
  RollCall(MeetingPlace& place, const std::string& name);
  ~RollCall();
  RollCall(const RollCall&) = delete;
  RollCall& operator=(const RollCall&) = delete;

  /// Counts a collective that this rank comes to, and gives its number: the same on all ranks, which make the same
  /// calls in the same order.
  std::int64_t come() { return come_.fetch_add(1, std::memory_order_relaxed) + 1; }

  /// The ranks that have not come to a collective, and what they are doing: "rank 2, which is at: wait for data". Empty
  /// where all have. Throws PeerFailed where one of them has told why it failed.
  std::string missing(std::int64_t collective);

 private:
  void answer_calls();
  void answer();
  std::string describe(int rank, std::int64_t collective);

  MeetingPlace& place_;
  c10::intrusive_ptr<c10d::Store> store_;
  std::atomic<std::int64_t> come_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  std::jthread thread_;
};

}  // namespace lockstep::parallel
