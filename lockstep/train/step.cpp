#include "lockstep/train/step.h"

#include <torch/torch.h>

#include <cmath>

#include "lockstep/base/error.h"
#include "lockstep/base/signals.h"
#include "lockstep/nn/keyed_random.h"
#include "lockstep/train/device_batch.h"

namespace lockstep::train {

using observe::Part;

Step::Step(parallel::Rank& rank, Replica& replica, data::Loader& loader, const data::BatchPlan& plan,
           const optim::Schedule& schedule, const TrainOptions& options, const data::Dataset& dataset)
    : rank_(rank),
      replica_(replica),
      loader_(loader),
      plan_(plan),
      schedule_(schedule),
      options_(options),
      dataset_(dataset),
      sync_(replica.arena(), rank.group) {}

StepOutcome Step::run(const checkpoint::State& state, bool wants_to_save) {
  Vote vote;
  vote.utilisation = timer_.last_step().utilisation();
  vote.save = wants_to_save;
  run_passes(state, vote);

  timer_.enter(Part::kReduce);
  sync_.finish();
  vote.stop = StopSignals::stop_requested();
  StepOutcome outcome;
  outcome.verdict = agree(rank_.group, vote);

  timer_.enter(Part::kUpdate);
  update(state.step, outcome);
  timer_.enter(Part::kOther);
  return outcome;
}

void Step::run_passes(const checkpoint::State& state, Vote& vote) {
  const auto step_in_epoch = static_cast<std::uint64_t>(state.step_in_epoch);
  const auto global_count = static_cast<std::int64_t>(plan_.positions(step_in_epoch).size());
  const std::size_t passes = plan_.passes(step_in_epoch, rank_.index).size();

  replica_.model().network().train();
  sync_.begin();
  for (std::size_t pass = 0; pass < passes; ++pass) {
    timer_.enter(Part::kWait);
    data::Batch batch = loader_.next(rank_.index);
    if (pass + 1 == passes) {
      sync_.before_last_pass();
    }
    run_pass(batch, global_count, state.step, vote);
    loader_.recycle(std::move(batch));
  }
  if (passes == 0) {
    sync_.before_last_pass();
  }
}

void Step::run_pass(data::Batch& batch, std::int64_t global_count, std::int64_t step, Vote& vote) {
  timer_.enter(Part::kCopy);
  const tasks::DeviceBatch on_device = to_device(batch, rank_.device);
  std::vector<std::uint64_t> positions;
  for (const data::Draw& draw : batch.draws) {
    positions.push_back(draw.position);
    vote.digest += hash_of_sample(draw.index);
  }

  timer_.enter(Part::kForward);
  const nn::RandomScope random(options_.seed, static_cast<std::uint64_t>(step), positions);
  const at::Tensor losses = replica_.model().losses(on_device);  // (batch) float32
  LOCKSTEP_ASSERT(losses.dim() == 1 && losses.size(0) == static_cast<std::int64_t>(batch.size()),
                  "a task gives one loss a sample");

  timer_.enter(Part::kBackward);
  (losses.sum() / static_cast<double>(global_count)).backward();
  count_losses(losses, batch, vote);  // last: it waits for the device
}

void Step::count_losses(const at::Tensor& losses, const data::Batch& batch, Vote& vote) const {
  const at::Tensor host = losses.detach().to(at::kCPU, at::kDouble);  // (batch)
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const double loss = host.const_data_ptr<double>()[i];
    vote.loss_sum += loss;
    if (!std::isfinite(loss)) {
      vote.not_finite += (vote.not_finite.empty() ? "" : ", ") + dataset_.name(batch.draws[i].index);
    }
  }
  vote.samples += static_cast<std::int64_t>(batch.size());
}

/// Every rank comes to the same decision, since what it rests on is the same bits everywhere.
void Step::update(std::int64_t step, StepOutcome& outcome) {
  const optim::ScheduleValue value = schedule_.at(step);
  outcome.learning_rate = value.learning_rate;
  outcome.gradient_norm = replica_.arena().gradient_norm();
  outcome.applied = std::isfinite(outcome.verdict.loss) && std::isfinite(outcome.gradient_norm);
  if (!outcome.applied) {
    return;
  }
  // As torch.nn.utils.clip_grad_norm_.
  const double factor = options_.clip_norm / (outcome.gradient_norm + 1e-6);
  const bool clips = options_.clip_norm > 0 && factor < 1;
  replica_.optimizer().step({value.learning_rate, value.momentum, clips ? factor : 1}, nullptr);
}

}  // namespace lockstep::train
