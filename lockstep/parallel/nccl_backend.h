#pragma once

#include <c10/core/Device.h>

#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "lockstep/base/clock.h"

namespace lockstep::parallel {

/// LibTorch's collectives over NCCL, for the tensors on one GPU of this process. Its collectives are enqueued on the
/// GPU; waiting for one makes the current stream wait, not the host. Throws MachineError in a build without NCCL.
c10::intrusive_ptr<c10d::Backend> make_nccl_backend(const c10::intrusive_ptr<c10d::Store>& store, int rank, int size,
                                                    c10::Device device, Seconds timeout);

}  // namespace lockstep::parallel
