#pragma once

#include "lockstep/checkpoint/snapshot.h"

namespace lockstep::train {

/// A copy, in host memory, of a run at a moment when all was well. The memory is used again from one to the next.
class GoodState {
 public:
  void take(const checkpoint::Snapshot& snapshot);

  /// What was taken last.
  const checkpoint::Snapshot& snapshot() const { return snapshot_; }

 private:
  checkpoint::Snapshot snapshot_;
};

}  // namespace lockstep::train
