#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <vector>

#include "lockstep/base/clock.h"

namespace lockstep::parallel {

/// Where the processes of a run, with one rank each, find each other: a store of keys and values that all of them
/// reach. It is used at the start, and when something has gone wrong; training itself does not need it.
class MeetingPlace {
 public:
  /// A process waits at most `timeout` for the others. The one that keeps the store leaves last.
  MeetingPlace(c10::intrusive_ptr<c10d::Store> store, int rank, int size, Seconds timeout, bool keeps_store);
  ~MeetingPlace();
  MeetingPlace(const MeetingPlace&) = delete;
  MeetingPlace& operator=(const MeetingPlace&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  Seconds timeout() const { return timeout_; }

  /// Collective: waits for all processes, and gives what each has brought, in the order of the ranks. Throws
  /// RanksMissing, which names those that did not come, after the time-out, and PeerFailed where one has failed.
  std::vector<std::string> meet(const std::string& occasion, const std::string& brought = "");

  /// Tells the others that this process has failed; only the first reason is kept. Says whether that is one of
  /// this process.
  bool abandon(const std::string& reason);

  /// Why a process has failed, if one has.
  std::optional<std::string> failure();

  /// Collective: a name for a group, the same in all processes, and another one each time.
  std::string new_name() { return "group-" + std::to_string(names_++); }

  /// Part of the store for one use, of this name.
  c10::intrusive_ptr<c10d::Store> part(const std::string& name) const;

 private:
  std::string key(int meeting, int rank) const;

  c10::intrusive_ptr<c10d::Store> store_;
  const int rank_;
  const int size_;
  const Seconds timeout_;
  const bool keeps_store_;
  int meetings_ = 0;
  int names_ = 0;
};

/// Calls `done` again and again, at growing distances, until it says yes or the time is over. Gives its last word.
bool poll(Seconds at_most, const std::function<bool()>& done);

}  // namespace lockstep::parallel
