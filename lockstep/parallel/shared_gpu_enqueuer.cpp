#include <ATen/ATen.h>
#include <c10/core/StreamGuard.h>

#include "lockstep/parallel/gpu_enqueuer.h"
#include "lockstep/parallel/gpu_stream.h"

namespace lockstep::parallel {
namespace {

class SharedGpuEnqueuer : public GpuEnqueuer {
 public:
  explicit SharedGpuEnqueuer(c10::Device device) : stream_(pooled_stream(device, StreamPriority::kHigh)) {}

  void enqueue(Job& job) override {
    const at::NoGradGuard no_grad;
    const c10::StreamGuard stream(stream_);
    for (std::size_t rank = 0; rank < job.parts.size(); ++rank) {
      part_of(job, rank).ready.block(stream_);
    }
    const auto root = static_cast<std::size_t>(job.kind == Job::Kind::kSum ? 0 : job.root);
    const at::Tensor& result = job.parts[root]->tensor;
    for (std::size_t rank = 1; job.kind == Job::Kind::kSum && rank < job.parts.size(); ++rank) {
      result.add_(job.parts[rank]->tensor);
    }
    for (std::size_t rank = 0; rank < job.parts.size(); ++rank) {
      if (rank != root) {
        job.parts[rank]->tensor.copy_(result);
      }
    }
    for (std::size_t rank = 0; rank < job.parts.size(); ++rank) {
      part_of(job, rank).done.record(stream_);
    }
  }

 private:
  c10::Stream stream_;
};

}  // namespace

std::unique_ptr<Enqueuer> make_shared_gpu_enqueuer(c10::Device device) {
  return std::make_unique<SharedGpuEnqueuer>(device);
}

}  // namespace lockstep::parallel
