#pragma once

#include <c10/core/Device.h>

#include <memory>

#include "lockstep/parallel/group.h"
#include "lockstep/parallel/meeting_place.h"

namespace lockstep::parallel {

/// The group of all processes that share a meeting place, with one rank each: over Gloo for tensors on the CPU, over
/// NCCL for those on a GPU. Collective; every process gives the same `name`, another one for each group. `one_machine`
/// says that all processes run on this machine, and talk over its loopback device.
///
/// When a collective fails, the ranks find out who is missing and what he is doing; the first that knows leaves it in
/// the meeting place and throws TrainingError, the others throw PeerFailed.
std::unique_ptr<Group> make_c10d_group(const std::shared_ptr<MeetingPlace>& place, const std::string& name,
                                       c10::Device device, bool one_machine);

}  // namespace lockstep::parallel
