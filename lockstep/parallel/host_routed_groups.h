#pragma once

#include <memory>
#include <vector>

#include "lockstep/base/clock.h"
#include "lockstep/base/error.h"
#include "lockstep/parallel/group.h"

namespace lockstep::parallel {

/// The groups of ranks of this process of which some share a GPU and some do not: what lies on the GPUs is summed
/// through host memory. They have no twins.
std::vector<std::unique_ptr<Group>> make_host_routed_groups(int world_size, Seconds timeout);

/// Why ranks that share a GPU have no twin group: LibTorch goes through all backward passes on one GPU in one thread,
/// and what waits for the other rank in the midst of one would wait for itself.
UsageError no_twin_on_a_shared_gpu();

}  // namespace lockstep::parallel
