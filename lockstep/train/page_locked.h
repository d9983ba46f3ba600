#pragma once

#include <c10/core/Device.h>

#include "lockstep/data/host_buffer.h"

namespace lockstep::train {

/// Where batches for a device are best decoded to: for a GPU into page-locked memory, out of which it copies while it
/// computes; for the CPU into ordinary memory.
const data::HostMemory& host_memory_for(c10::Device device);

}  // namespace lockstep::train
