#include "lockstep/parallel/with_cuda/nccl.h"

#define USE_C10D_NCCL  // LibTorch's header is empty without it
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

namespace lockstep::parallel {

c10::intrusive_ptr<c10d::Backend> make_nccl_backend(const c10::intrusive_ptr<c10d::Store>& store, int rank, int size,
                                                    c10::Device device, Seconds timeout) {
  auto options = c10d::ProcessGroupNCCL::Options::create();
  // The ranks meet on the host before they wait for a collective (see Collectives), with a time-out that names those
  // who are missing; NCCL's own, which ends the process, comes only where a GPU itself does not go on.
  options->timeout = std::chrono::ceil<std::chrono::milliseconds>(timeout * 2);
  auto backend = c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, size, options);
  backend->setBoundDeviceId(device);
  return backend;
}

}  // namespace lockstep::parallel
