#pragma once

#include <c10/core/Device.h>

#include <memory>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <vector>

#include "lockstep/base/clock.h"
#include "lockstep/parallel/gpu_team.h"

namespace lockstep::parallel {

/// For ranks of this process that have a GPU each. NCCL's communicators are made inside the process: no store, no port.
std::unique_ptr<Enqueuer> make_nccl_enqueuer(const std::vector<c10::Device>& devices);

/// LibTorch's collectives over NCCL, for the tensors on one GPU of this process. Its collectives are enqueued on the
/// GPU; waiting for one makes the current stream wait, not the host.
c10::intrusive_ptr<c10d::Backend> make_nccl_backend(const c10::intrusive_ptr<c10d::Store>& store, int rank, int size,
                                                    c10::Device device, Seconds timeout);

}  // namespace lockstep::parallel
