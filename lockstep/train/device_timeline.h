#pragma once

#include <c10/core/Device.h>

#include <memory>

#include "lockstep/observe/device_timeline.h"

namespace lockstep::train {

/// The timeline of the work that the calling thread queues on a device, by its events: null on the CPU, whose work is
/// done when a call returns. Marks lie on the thread's current stream, which must stay the same.
std::unique_ptr<observe::DeviceTimeline> make_device_timeline(c10::Device device);

}  // namespace lockstep::train
