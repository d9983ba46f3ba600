#include "lockstep/train/pass.h"

#include <torch/torch.h>

#include "lockstep/base/error.h"
#include "lockstep/nn/autocast.h"
#include "lockstep/nn/keyed_random.h"
#include "lockstep/nn/sync_batch_norm.h"
#include "lockstep/train/device_batch.h"
#include "lockstep/train/planted_faults.h"

namespace lockstep::train {

using observe::Part;

at::Tensor forward_pass(Replica& replica, const Plan& plan, c10::Device device, data::Batch& batch,
                        const PassSetting& setting, observe::StepTimer& timer) {
  timer.enter(Part::kCopy);
  tasks::DeviceBatch on_device = to_device(batch, device);
  on_device.mean_extent = setting.mean_extent;
  std::vector<std::uint64_t> positions;
  for (const data::Draw& draw : batch.draws) {
    positions.push_back(draw.position);
  }

  timer.enter(Part::kAugment);
  replica.model().prepare(on_device);

  timer.enter(Part::kForward);
  plant_before_forward(plan.options, replica.rank(), static_cast<std::int64_t>(setting.step), batch.size());
  const nn::SyncBatchNormScope joined(replica.batch_norm_group());
  const nn::RandomScope random(plan.options.seed, setting.step, positions);
  at::Tensor losses;  // (batch) float32
  {
    const nn::AutocastScope autocast(device.type(), plan.precision.autocast_type());
    losses = replica.model().losses(on_device);
  }
  LOCKSTEP_ASSERT(losses.dim() == 1 && losses.size(0) == static_cast<std::int64_t>(batch.size()) &&
                      losses.scalar_type() == at::kFloat,
                  "a task gives one float32 loss a sample");
  return plant_after_forward(plan.options, replica.rank(), static_cast<std::int64_t>(setting.step), losses);
}

at::Tensor run_pass(Replica& replica, const Plan& plan, c10::Device device, data::Batch& batch,
                    const PassSetting& setting, double factor, observe::StepTimer& timer) {
  const at::Tensor losses = forward_pass(replica, plan, device, batch, setting, timer);
  plant_slow_rank(plan.options, replica.rank());

  timer.enter(Part::kBackward);
  (losses.sum() * factor).backward();
  return losses;
}

}  // namespace lockstep::train
