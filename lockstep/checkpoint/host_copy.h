#pragma once

#include <cstdint>

#include "lockstep/checkpoint/snapshot.h"

namespace lockstep::checkpoint {

/// A snapshot in memory of its own, on the host, while the run goes on. The memory is kept and used again, so that each
/// copy but the first is a mere copy: fresh pages cost more than to write them.
class HostCopy {
 public:
  /// Copies all tensors, from a GPU through page-locked memory, each in the layout that it has; done when it returns.
  void take(const Snapshot& snapshot);

  /// Gives what was taken another state.
  void amend(const State& state) { copy_.state = state; }

  /// What was taken last. Its tensors are this memory: the next take() changes them.
  const Snapshot& snapshot() const { return copy_; }

  /// Of the tensors.
  std::uint64_t bytes() const;

 private:
  Snapshot copy_;
};

}  // namespace lockstep::checkpoint
