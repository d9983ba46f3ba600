#include "lockstep/train/step.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "lockstep/base/error.h"
#include "lockstep/base/signals.h"
#include "lockstep/base/text.h"
#include "lockstep/optim/loss_scaler.h"
#include "lockstep/parallel/core/rendezvous.h"
#include "lockstep/train/device_timeline.h"
#include "lockstep/train/pass.h"
#include "lockstep/train/planted_faults.h"

namespace lockstep::train {

using observe::Part;

Step::Step(parallel::Rank& rank, Replica& replica, data::Loader& loader, const Plan& plan)
    : rank_(rank), replica_(replica), loader_(loader), plan_(plan), timer_(make_device_timeline(rank.device)) {}

namespace {

/// The most passes that any rank makes in a step.
std::size_t most_passes(const data::BatchPlan& batches, std::uint64_t step_in_epoch) {
  std::size_t most = 0;
  for (int rank = 0; rank < batches.world_size; ++rank) {
    most = std::max(most, batches.passes(step_in_epoch, rank).size());
  }
  return most;
}

}  // namespace

StepOutcome Step::run(const Stage& stage, checkpoint::State& state, const StepWishes& wishes) {
  const auto step_in_epoch = static_cast<std::uint64_t>(state.step_in_epoch);
  const Share share{state.step, static_cast<std::int64_t>(stage.batches.positions(step_in_epoch).size()),
                    plan_.precision.scales_loss() ? state.loss_scaler.scale : 1.0,
                    stage.batches.passes(step_in_epoch, rank_.index).size(),
                    replica_.batch_norm_group() != nullptr ? most_passes(stage.batches, step_in_epoch) : 0};
  Vote vote;
  vote.utilisation = timer_.last_step().utilisation();
  vote.save = wishes.save;
  vote.end_of_time = wishes.end_of_time;
  run_passes(share, vote);

  StepOutcome outcome;
  timer_.enter(Part::kReduce);
  outcome.sync = replica_.sync().finish();
  vote.stop = StopSignals::stop_requested();
  outcome.verdict = agree(rank_.group, vote);

  timer_.enter(Part::kUpdate);
  update(stage, share.loss_scale, state, outcome);
  timer_.enter(Part::kOther);
  return outcome;
}

/// Samples that cannot be read are missing in their batches and add nothing: the sum of the losses is divided by the
/// planned count all the same, so that no rank need ask the others how many there were.
/// A rank that fails goes on to the end of the step like the others, without gradients.
void Step::run_passes(const Share& share, Vote& vote) {
  replica_.model().network().train();
  replica_.sync().begin();
  // Ranks that join their batches for batch norm make the same number of passes, the last of them with no samples.
  const std::size_t passes = std::max(share.passes, share.joined_passes);
  std::size_t begun = 0;
  try {
    while (begun < passes) {
      const bool has_samples = begun < share.passes;
      if (++begun == passes) {
        replica_.sync().before_last_pass();
      }
      data::Batch batch = has_samples ? next_batch(share, vote) : empty_batch();
      // A batch all of whose samples were left out has no gradients; it is passed on only where others wait for it.
      if (batch.size() > 0 || share.joined_passes > 0) {
        run_pass(batch, share, vote);
      }
      if (has_samples) {
        loader_.recycle(std::move(batch));  // the others are not the loader's
      }
    }
  } catch (const UserError&) {
    throw;
  } catch (const parallel::PeerFailed&) {
    throw;
  } catch (const data::LoaderCancelled&) {
    throw;
  } catch (const std::logic_error&) {
    throw;  // a mistake of the program is none of the step
  } catch (const std::exception& error) {
    if (share.joined_passes > 0) {
      throw;  // the others wait for this rank in the middle of their passes
    }
    fail(vote, rank_.index, error);
    replica_.sync().give_up();
    skip_passes(share, begun, vote);
  }
}

void Step::run_pass(data::Batch& batch, const Share& share, Vote& vote) {
  const at::Tensor losses =
      train::run_pass(replica_, plan_, rank_.device, batch, static_cast<std::uint64_t>(share.step),
                      share.loss_scale / static_cast<double>(share.global_count), timer_);
  count_losses(losses, batch, vote);  // last: it waits for the device
}

/// The samples of a step that has failed count as consumed.
void Step::skip_passes(const Share& share, std::size_t begun, Vote& vote) {
  for (std::size_t pass = begun; pass < share.passes; ++pass) {
    loader_.recycle(next_batch(share, vote));
  }
}

data::Batch Step::next_batch(const Share& share, Vote& vote) {
  timer_.enter(Part::kWait);
  data::Batch batch = loader_.next(rank_.index);
  plant_in_batch(plan_, rank_.index, share.step, batch);
  for (const data::Draw& draw : batch.draws) {
    vote.digest += hash_of_sample(draw.index);
  }
  vote.samples += static_cast<std::int64_t>(batch.size());
  return batch;
}

data::Batch Step::empty_batch() const {
  data::Batch batch;
  data::shape_batch(batch, plan_.task.training_set().layout(), {});
  return batch;
}

void Step::count_losses(const at::Tensor& losses, const data::Batch& batch, Vote& vote) const {
  const at::Tensor host = losses.detach().to(at::kCPU, at::kDouble);  // (batch)
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const double loss = host.const_data_ptr<double>()[i];
    vote.loss_sum += loss;
    if (!std::isfinite(loss)) {
      vote.not_finite += (vote.not_finite.empty() ? "" : ", ") + plan_.task.training_set().name(batch.draws[i].index);
    }
  }
}

/// Every rank comes to the same decision, since what it rests on is the same bits everywhere.
void Step::update(const Stage& stage, double loss_scale, checkpoint::State& state, StepOutcome& outcome) {
  const optim::ScheduleValue value = stage.schedule.at(state.step - stage.first_step, state.plateau);
  outcome.learning_rate = value.learning_rate * state.rate_factor;
  outcome.phase = value.phase;
  if (!outcome.verdict.failure.empty()) {
    return;
  }
  outcome.gradient_norm = replica_.arena().gradient_norm() / loss_scale;
  if (outcome.is_empty()) {
    return;
  }
  const bool finite = std::isfinite(outcome.gradient_norm);
  outcome.applied = finite && std::isfinite(outcome.verdict.loss);
  if (plan_.precision.scales_loss()) {
    optim::LossScaler scaler({});
    scaler.load_state(state.loss_scaler);
    scaler.update(!finite);
    state.loss_scaler = scaler.state();
    outcome.scale_was_cut = !finite && std::isfinite(outcome.verdict.loss);
  }
  if (!outcome.applied) {
    return;
  }
  optim::Update update;
  update.learning_rate = outcome.learning_rate;
  update.momentum = value.momentum;
  // As torch.nn.utils.clip_grad_norm_.
  const double clip =
      plan_.options.clip_norm > 0 ? std::min(1.0, plan_.options.clip_norm / (outcome.gradient_norm + 1e-6)) : 1.0;
  update.gradient_factor = clip / loss_scale;
  optim::Ema* average = replica_.average();
  if (average != nullptr) {
    average->begin_update(state.updates + 1);
  }
  replica_.optimizer().step(update, average);
  if (average != nullptr) {
    average->follow_buffers();
  }
}

}  // namespace lockstep::train
