#pragma once

#include <mutex>
#include <string>

#include "lockstep/parallel/group.h"

namespace lockstep::parallel {

/// A reduction whose sums begin in the order of the buffers, the same on all ranks, whatever the order in which their
/// backward passes finish them: each as soon as it and those before it are ready.
class OrderedReduction : public Reduction {
 public:
  explicit OrderedReduction(std::vector<at::Tensor> buffers);

  void begin() override;
  void ready(std::size_t buffer) override;
  void wait() override;
  std::int64_t bytes_under_way() const override;

 protected:
  const std::vector<at::Tensor>& buffers() const { return buffers_; }

  /// The name of a sum, for messages.
  static std::string occasion(std::size_t buffer);

 private:
  /// Called when a buffer becomes ready, by the thread that has finished it; maybe long before its sum begins.
  virtual void note_ready(std::size_t) {}

  /// Begins the sum of a buffer, without waiting.
  virtual void begin_sum(std::size_t buffer) = 0;

  /// Waits for the sum of a buffer.
  virtual void wait_for(std::size_t buffer) = 0;

  std::vector<at::Tensor> buffers_;
  mutable std::mutex mutex_;
  std::vector<bool> ready_;
  std::size_t begun_ = 0;  ///< how many sums have begun: those of the first buffers
};

}  // namespace lockstep::parallel
