#include "lockstep/parallel/gpu_groups.h"

#include "lockstep/base/error.h"
#include "lockstep/parallel/nccl_backend.h"

namespace lockstep::parallel {
namespace {

[[noreturn]] void throw_not_built() {
  throw MachineError("this lockstep was built without the headers of CUDA and NCCL, and trains on no GPU",
                     "build it with LibTorch from the CUDA wheel (scripts/setup.sh), or train with --devices cpu");
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

struct GpuOfRank::Guard {};

GpuOfRank::GpuOfRank(c10::Device device) {
  if (!device.is_cpu()) {
    throw_not_built();
  }
}

GpuOfRank::~GpuOfRank() = default;

}  // namespace lockstep::parallel
