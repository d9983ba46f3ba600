#pragma once

#include <c10/core/Device.h>

#include <memory>
#include <vector>

#include "lockstep/parallel/gpu_team.h"

namespace lockstep::parallel {

/// Over NCCL, for ranks that have a GPU each. NCCL's communicators are made inside this process: no store, no port.
std::unique_ptr<Enqueuer> make_nccl_enqueuer(const std::vector<c10::Device>& devices);

/// In the memory of one GPU, in rank order.
std::unique_ptr<Enqueuer> make_shared_gpu_enqueuer(c10::Device device);

}  // namespace lockstep::parallel
