#include <c10/cuda/CUDAGuard.h>

#include "lockstep/parallel/gpu_groups.h"

namespace lockstep::parallel {

struct GpuOfRank::Guard {
  explicit Guard(c10::Device device) : stream(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index())) {}

  c10::cuda::CUDAStreamGuard stream;
};

GpuOfRank::GpuOfRank(c10::Device device) : guard_(device.is_cpu() ? nullptr : std::make_unique<Guard>(device)) {}

GpuOfRank::~GpuOfRank() = default;

}  // namespace lockstep::parallel
