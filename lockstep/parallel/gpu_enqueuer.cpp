#include "lockstep/parallel/gpu_enqueuer.h"

#include "lockstep/base/error.h"
#include "lockstep/parallel/gpu_stream.h"

namespace lockstep::parallel {

std::unique_ptr<Part> GpuEnqueuer::bring(const at::Tensor& tensor) {
  LOCKSTEP_ASSERT(!tensor.is_cpu(), "collectives of GPUs take tensors on them");
  auto part = std::make_unique<GpuPart>(tensor);
  part->ready.record(current_stream(tensor.device()));
  return part;
}

void GpuEnqueuer::follow(Part& part) { static_cast<GpuPart&>(part).done.block(current_stream(part.tensor.device())); }

}  // namespace lockstep::parallel
