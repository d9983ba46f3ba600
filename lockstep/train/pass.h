#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "lockstep/data/batch.h"
#include "lockstep/observe/step_timer.h"
#include "lockstep/train/plan.h"
#include "lockstep/train/replica.h"

namespace lockstep::train {

/// What a pass is part of.
struct PassSetting {
  std::uint64_t step = 0;  ///< of the run, from 0
  double mean_extent = 1;  ///< see tasks::DeviceBatch
};

/// The loss of each sample of a batch, in the precision of the plan, with the graph of its computation: (batch)
/// float32, on the device.
at::Tensor forward_pass(Replica& replica, const Plan& plan, c10::Device device, data::Batch& batch,
                        const PassSetting& setting, observe::StepTimer& timer);

/// One forward and backward pass of a rank over a batch, in the precision of the plan. The gradients of `factor` times
/// the sum of the losses are added to those of the replica. Gives the loss of each sample: (batch) float32, on the
/// device.
at::Tensor run_pass(Replica& replica, const Plan& plan, c10::Device device, data::Batch& batch,
                    const PassSetting& setting, double factor, observe::StepTimer& timer);

}  // namespace lockstep::train
