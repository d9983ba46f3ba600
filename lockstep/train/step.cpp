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
#include "lockstep/train/extent.h"
#include "lockstep/train/pass.h"
#include "lockstep/train/planted_faults.h"
#include "lockstep/train/retry.h"

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

MachineError out_of_memory_in_joined_pass(int rank, const std::exception& error, const std::string& size_flag) {
  return MachineError(
      text(parallel::rank_name(rank), " failed: ", first_line(error.what()),
           "; a step cannot be made once more in smaller pieces with --sync-bn, which joins the batches of all ranks"),
      text("lower --batch-size or ", size_flag, ", or leave out --sync-bn; what was saved is safe"));
}

}  // namespace

StepOutcome Step::run(const Stage& stage, checkpoint::State& state, const StepWishes& wishes) {
  update_has_begun_ = false;
  StepOutcome outcome;
  fetched_.clear();
  replica_.remember_counts();
  outcome.mean_extent = mean_extent_of_step(rank_, plan_, stage, state, timer_);
  Share share = share_of(stage, state, outcome.mean_extent);
  attempt(share, wishes, outcome);
  while (prepare_retry(stage, state, outcome)) {
    share.micro_batch = state.micro_batch;
    attempt(share, wishes, outcome);
  }

  update_has_begun_ = true;
  timer_.enter(Part::kUpdate);
  update(stage, share.loss_scale, state, outcome);
  timer_.enter(Part::kOther);
  return outcome;
}

Step::Share Step::share_of(const Stage& stage, const checkpoint::State& state, double mean_extent) const {
  const auto step_in_epoch = static_cast<std::uint64_t>(state.step_in_epoch);
  const bool are_joined = replica_.batch_norm_group() != nullptr;
  return {.step = state.step,
          .global_count = static_cast<std::int64_t>(stage.batches.positions(step_in_epoch).size()),
          .loss_scale = plan_.precision.scales_loss() ? state.loss_scaler.scale : 1.0,
          .mean_extent = mean_extent,
          .passes = stage.batches.passes(step_in_epoch, rank_.index).size(),
          .joined_passes = are_joined ? most_passes(stage.batches, step_in_epoch) : 0,
          .micro_batch = are_joined ? 0 : state.micro_batch};
}

/// The passes of all ranks, up to the sum of their gradients.
void Step::attempt(const Share& share, const StepWishes& wishes, StepOutcome& outcome) {
  Vote vote;
  vote.utilisation = timer_.last_step().utilisation();
  vote.save = wishes.save;
  vote.end_of_time = wishes.end_of_time;
  run_passes(share, vote);
  timer_.enter(Part::kReduce);
  outcome.sync = replica_.sync().finish();
  vote.stop = StopSignals::stop_requested();
  outcome.verdict = agree(rank_.group, vote);
}

/// Whether the passes are to be made once more: on all ranks or on none, since it follows from the verdict, the plan
/// and the state alone. All ranks have ended their collectives, and what has failed is no longer held by its error.
bool Step::prepare_retry(const Stage& stage, checkpoint::State& state, StepOutcome& outcome) {
  const std::int64_t smaller =
      smaller_micro_batch(state.micro_batch, stage.batches, static_cast<std::uint64_t>(state.step_in_epoch));
  if (!outcome.verdict.retry || smaller == 0) {
    return false;
  }
  state.micro_batch = smaller;
  outcome.retries.push_back({outcome.verdict.failure, smaller});
  replica_.restore_counts();
  release_memory(rank_.device);
  rank_.group.barrier();
  return true;
}

/// Samples that cannot be read are missing in their batches and add nothing: the sum of the losses is divided by the
/// planned count all the same, so that no rank need ask the others how many there were.
/// A rank that fails goes on to the end of the step like the others, without gradients. Its samples count as consumed.
void Step::run_passes(const Share& share, Vote& vote) {
  replica_.model().network().train();
  replica_.sync().begin();
  // What follows a failure is not done where it is caught: there its error may still hold memory.
  if (!survives(share, vote, [&] { make_passes(share, vote); })) {
    replica_.sync().give_up();
  }
  while (fetched_.size() < share.passes) {
    survives(share, vote, [&] { loader_.recycle(fetch(share)); });
  }
  vote.can_retry = vote.out_of_memory && std::ranges::all_of(fetched_, &FetchedPass::is_there);
  for (const FetchedPass& pass : fetched_) {
    for (const data::Draw& draw : pass.draws) {
      vote.digest += hash_of_sample(draw.index);
    }
    vote.samples += static_cast<std::int64_t>(pass.draws.size());
  }
}

/// Does part of a step. Says whether that has worked; where not, the vote does too. What ends the run goes on up.
template <typename Action>
bool Step::survives(const Share& share, Vote& vote, const Action& action) {
  try {
    action();
    return true;
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
      if (parallel::is_out_of_memory(error)) {
        throw out_of_memory_in_joined_pass(rank_.index, error, plan_.task.size_flag());
      }
      throw;  // the others wait for this rank in the middle of their passes
    }
    if (vote.failure.empty()) {
      fail(vote, rank_.index, error);
    }
    return false;
  }
}

void Step::make_passes(const Share& share, Vote& vote) {
  // Ranks that join their batches for batch norm make the same number of passes, the last of them with no samples.
  const std::size_t passes = std::max(share.passes, share.joined_passes);
  for (std::size_t pass = 0; pass < passes; ++pass) {
    const bool is_new = pass == fetched_.size() && pass < share.passes;
    data::Batch batch = next_batch(share, pass);
    run_pass(batch, share, pass + 1 == passes, vote);
    if (is_new) {
      loader_.recycle(std::move(batch));  // the others are not the loader's
    }
  }
}

data::Batch Step::next_batch(const Share& share, std::size_t pass) {
  if (pass >= share.passes) {
    return empty_batch();
  }
  return pass < fetched_.size() ? fetch_again(fetched_[pass]) : fetch(share);
}

void Step::run_pass(data::Batch& batch, const Share& share, bool is_last, Vote& vote) {
  const std::vector<data::Range> ranges = pieces(batch.size(), share.micro_batch);
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (is_last && i + 1 == ranges.size()) {
      replica_.sync().before_last_pass();
    }
    if (ranges.size() > 1) {
      data::Batch piece = data::part_of(batch, ranges[i].begin, ranges[i].end);
      run_piece(piece, share, vote);
    } else if (batch.size() > 0 || share.joined_passes > 0) {
      // A batch all of whose samples were left out has no gradients; it is passed on only where others wait for it.
      run_piece(batch, share, vote);
    }
  }
}

void Step::run_piece(data::Batch& batch, const Share& share, Vote& vote) {
  const at::Tensor losses =
      train::run_pass(replica_, plan_, rank_.device, batch, {static_cast<std::uint64_t>(share.step), share.mean_extent},
                      share.loss_scale / static_cast<double>(share.global_count), timer_);
  count_losses(losses, batch, vote);  // last: it waits for the device
}

/// The next pass, from the loader.
data::Batch Step::fetch(const Share& share) {
  timer_.enter(Part::kWait);
  fetched_.emplace_back();
  data::Batch batch = loader_.next(rank_.index);
  plant_in_batch(plan_, rank_.index, share.step, batch);
  fetched_.back() = {batch.draws, true};
  return batch;
}

/// What the loader has given before: the content of a batch follows from its draws.
data::Batch Step::fetch_again(FetchedPass& pass) {
  timer_.enter(Part::kWait);
  data::Batch batch = data::load_batch(plan_.task.training_set(), pass.draws, plan_.bad_samples);
  pass.draws = batch.draws;
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
