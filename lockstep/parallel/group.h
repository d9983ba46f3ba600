#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace lockstep::parallel {

/// A standing order of one rank to sum the same buffers over all ranks, step after step, while backward goes on. Every
/// rank has one over buffers of the same sizes, and goes through the same steps:
///
///   begin()     none of this rank's buffers is final any more
///   ready(i)    buffer i is final: once a step for each buffer, in any order. Never waits, so that hooks may call it
///   wait()      when all are ready: returns once every buffer holds the sum over all ranks, the same bits everywhere.
///               Throws as Group's calls
class Reduction {
 public:
  virtual ~Reduction() = default;

  virtual void begin() = 0;
  virtual void ready(std::size_t buffer) = 0;

  virtual void wait() = 0;

  /// Of the buffers whose sum over the ranks is there or under way, in this step so far.
  virtual std::int64_t bytes_under_way() const = 0;
};

/// The ranks that train together, seen by one of them. Every call is collective: all ranks make the same calls in the
/// same order. A call throws TrainingError where a rank does not come in time, and PeerFailed where one has failed.
class Group {
 public:
  virtual ~Group() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// Puts the sum over all ranks into every rank's tensor, which has the same shape and dtype (float32, float64 or
  /// int64) everywhere and is contiguous. The sum is the same bits on all ranks.
  virtual void all_reduce(const at::Tensor& tensor) = 0;

  /// Puts the root's tensor into every rank's.
  virtual void broadcast(const at::Tensor& tensor, int root) = 0;

  /// Gives every rank the bytes of all ranks, in rank order. Their lengths may differ.
  virtual std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> bytes) = 0;

  /// Collective. The buffers are contiguous float32 tensors on this rank's device; they must outlive the reduction.
  virtual std::unique_ptr<Reduction> make_reduction(std::vector<at::Tensor> buffers) = 0;

  /// Collective: the first rank's tensors themselves, where the ranks are threads that work on the CPU, so that they
  /// can keep one copy of what is the same on all of them. Elsewhere nothing, as where there is one rank.
  virtual std::vector<at::Tensor> tensors_of_first(const std::vector<at::Tensor>&) { return {}; }

  /// Waits for all ranks.
  virtual void barrier() = 0;

  /// Collective: another group of the same ranks, for calls that come between those to this one in no fixed order. It
  /// is abandoned together with this one. Throws UsageError where there is none of the kind.
  virtual std::unique_ptr<Group> make_twin() = 0;

  /// Not collective: tells the others that this rank has failed, so that none of them waits for it.
  virtual void abandon(const std::string& reason) = 0;
};

}  // namespace lockstep::parallel
