#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <vector>

#include "lockstep/data/batch_plan.h"

// What is done about a lack of memory: the passes of a step are cut into micro-batches, and made once more.
namespace lockstep::train {

/// The pieces in which a pass goes through the network: as even as possible, each of at most `micro_batch` samples; the
/// whole pass where that is 0, or where there are no samples.
std::vector<data::Range> pieces(std::uint64_t samples, std::int64_t micro_batch);

/// The micro-batch with which a step is made once more: half of what went through the network at a time, rounded up. 0
/// where that was one sample already, so that nothing is left to be halved.
std::int64_t smaller_micro_batch(std::int64_t micro_batch, const data::BatchPlan& batches, std::uint64_t step_in_epoch);

/// How many samples go through the network at a time, of `planned` ones.
std::int64_t samples_at_a_time(std::int64_t planned, std::int64_t micro_batch);

/// Gives back what the allocators of the device and the host keep for later. Not while a collective is under way: the
/// device is waited for. No rank may go on before all of them have done so.
void release_memory(c10::Device device);

}  // namespace lockstep::train
