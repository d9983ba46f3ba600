#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lockstep/parallel/core/rendezvous.h"

namespace lockstep::parallel {

/// Sums buffers over the threads of one process, step after step, while each of them goes on with its backward pass.
/// A buffer that is final on every rank is summed in shares, one a rank; a rank does its own share when it next comes
/// by. Nobody waits before the end of the step, and since a share is summed in rank order, the sums are the same bits
/// whoever was first. Free of LibTorch, so that it can be tested under the thread sanitizer.
class SharedReduction {
 public:
  /// `counts`: elements of each buffer, the same on every rank.
  SharedReduction(Rendezvous& rendezvous, std::vector<std::size_t> counts);

  /// Before the first step, by every rank and before any of them goes on: where its buffers lie.
  void lay_open(int rank, std::span<float* const> buffers);

  /// The calls of parallel::Reduction, by the thread of this rank.
  void begin(int rank);
  void ready(int rank, std::size_t buffer);
  void wait(int rank);
  std::int64_t bytes_under_way(int rank) const;

 private:
  /// What one rank knows. On a cache line of its own, since its thread writes it all the time.
  struct alignas(64) Participant {
    std::uint64_t step = 0;      ///< from 1
    std::vector<bool> summed{};  ///< by buffer: whether this rank's share is done
    std::size_t left = 0;        ///< buffers whose share is not
    std::vector<float*> addresses{};
  };

  bool is_final(std::size_t buffer, std::uint64_t step) const;
  void sum_own_share(int rank, std::size_t buffer);

  /// Sums this rank's shares of what is final everywhere.
  void sum_what_is_final(int rank);

  Rendezvous& rendezvous_;
  std::vector<std::size_t> counts_;
  std::vector<Participant> ranks_;
  /// By buffer: how often it was reported as ready, by all ranks in all steps.
  std::unique_ptr<std::atomic<std::uint64_t>[]> reports_;
};

}  // namespace lockstep::parallel
