#pragma once

#include <c10/core/Device.h>

#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "lockstep/base/clock.h"

namespace lockstep::parallel {

/// LibTorch's collectives over Gloo, for tensors in host memory. Collective: waits for all ranks of the store. With
/// several machines Gloo takes the network device that GLOO_SOCKET_IFNAME names, or that of the host's name.
c10::intrusive_ptr<c10d::Backend> make_gloo(const c10::intrusive_ptr<c10d::Store>& store, int rank, int size,
                                            Seconds timeout, bool one_machine);

}  // namespace lockstep::parallel
