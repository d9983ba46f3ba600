#pragma once

#include <c10/core/Device.h>

#include "lockstep/tasks/task.h"

namespace lockstep::train {

/// The batch on a device. A GPU may still copy it out of page-locked memory when this returns; what waits for results
/// of the batch waits for that, too. On the CPU its tensors are views of the batch's own bytes; the batch must outlive
/// them.
tasks::DeviceBatch to_device(data::Batch& batch, c10::Device device);

}  // namespace lockstep::train
