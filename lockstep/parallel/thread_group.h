#pragma once

#include <memory>
#include <vector>

#include "lockstep/base/clock.h"
#include "lockstep/parallel/group.h"

namespace lockstep::parallel {

/// The group of `world_size` threads of this process, one Group for each. They reduce in shared memory, in rank order.
/// Tensors on other devices than the CPU go through host memory.
std::vector<std::unique_ptr<Group>> make_thread_groups(int world_size, Seconds timeout);

}  // namespace lockstep::parallel
