#include <c10/core/StreamGuard.h>

#include "lockstep/parallel/gpu_groups.h"
#include "lockstep/parallel/gpu_stream.h"

namespace lockstep::parallel {

struct GpuOfRank::Guard {
  explicit Guard(c10::Device device) : stream(pooled_stream(device, StreamPriority::kNormal)) {}

  c10::StreamGuard stream;
};

GpuOfRank::GpuOfRank(c10::Device device) : guard_(device.is_cpu() ? nullptr : std::make_unique<Guard>(device)) {}

GpuOfRank::~GpuOfRank() = default;

}  // namespace lockstep::parallel
