#include "lockstep/parallel/with_cuda/gpu_enqueuer.h"

#include <c10/cuda/CUDAStream.h>

#include "lockstep/base/error.h"

namespace lockstep::parallel {

std::unique_ptr<Part> GpuEnqueuer::bring(const at::Tensor& tensor) {
  LOCKSTEP_ASSERT(tensor.is_cuda(), "collectives of GPUs take tensors on them");
  auto part = std::make_unique<GpuPart>(tensor);
  part->ready.record(c10::cuda::getCurrentCUDAStream(tensor.device().index()));
  return part;
}

void GpuEnqueuer::follow(Part& part) {
  static_cast<GpuPart&>(part).done.block(c10::cuda::getCurrentCUDAStream(part.tensor.device().index()));
}

}  // namespace lockstep::parallel
