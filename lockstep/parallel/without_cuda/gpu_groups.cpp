#include "lockstep/parallel/gpu_groups.h"

#include <c10/core/DeviceGuard.h>

#include "lockstep/base/error.h"
#include "lockstep/parallel/nccl_backend.h"

namespace lockstep::parallel {
namespace {

[[noreturn]] void throw_not_built() {
  throw MachineError("this lockstep was built without the headers of CUDA and NCCL, and trains on one GPU at most",
                     "build it with LibTorch from the CUDA wheel (scripts/setup.sh), or train with --devices cuda:0");
}

}  // namespace

std::vector<std::unique_ptr<Group>> make_nccl_groups(const std::vector<c10::Device>&, Seconds) { throw_not_built(); }

std::vector<std::unique_ptr<Group>> make_shared_gpu_groups(const std::vector<c10::Device>&, Seconds) {
  throw_not_built();
}

c10::intrusive_ptr<c10d::Backend> make_nccl_backend(const c10::intrusive_ptr<c10d::Store>&, int, int, c10::Device,
                                                    Seconds) {
  throw_not_built();
}

/// One rank on one GPU needs no more than LibTorch: it works in the default stream.
struct GpuOfRank::Guard {
  explicit Guard(c10::Device device) : guard(device) {}

  c10::DeviceGuard guard;
};

GpuOfRank::GpuOfRank(c10::Device device) : guard_(device.is_cpu() ? nullptr : std::make_unique<Guard>(device)) {}

GpuOfRank::~GpuOfRank() = default;

}  // namespace lockstep::parallel
