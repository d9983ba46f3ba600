#pragma once

#include <c10/core/Device.h>

#include <exception>
#include <functional>
#include <vector>

#include "lockstep/base/clock.h"
#include "lockstep/parallel/failure.h"
#include "lockstep/parallel/group.h"
#include "lockstep/parallel/world.h"

namespace lockstep::parallel {

/// One worker of a data-parallel run: a thread with a device of its own, in this process or
/// another one.
struct Rank {
  int index = 0;
  int world_size = 1;
  c10::Device device = c10::kCPU;
  Group& group;

  bool is_first() const { return index == 0; }
};

struct LaunchOptions {
  int threads_per_rank = 1;  ///< threads of an operator on the CPU, for each rank
  Seconds timeout{600};      ///< how long a rank waits for the others in a collective
  Seconds grace{30};         ///< how long a rank may stand still at one thing after another one has failed …
  /// … before this is called with the first error. A thread cannot be ended from outside, so this must end the process.
  /// Without it such ranks are waited for.
  std::function<void(const std::exception_ptr&)> when_stuck{};
};

/// Runs `body` for each rank of the world that lives in this process, each in a thread of its own, and waits for them.
/// When a rank throws, the others leave their next collective with PeerFailed; the first error is then thrown here: a
/// UserError as it is, anything else as MachineError or TrainingError that names the rank (see current_failure);
/// PeerFailed only where it was a rank of another process, which tells its error itself. Collective over the processes
/// of the world.
void launch(const World& world, const LaunchOptions& options, const std::function<void(Rank&)>& body);

/// The same for ranks that all live in this process, one a device.
void launch(const std::vector<c10::Device>& devices, const LaunchOptions& options,
            const std::function<void(Rank&)>& body);

}  // namespace lockstep::parallel
