#include "lockstep/tune/step_probe.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "lockstep/base/cpu_time.h"
#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/optim/loss_scaler.h"
#include "lockstep/parallel/launch.h"
#include "lockstep/train/evaluation.h"
#include "lockstep/train/extent.h"
#include "lockstep/train/page_locked.h"
#include "lockstep/train/pass.h"
#include "lockstep/train/step.h"
#include "lockstep/train/tuning.h"

namespace lockstep::tune {
namespace {

parallel::LaunchOptions launching(const train::Plan& plan, const train::Resources& resources) {
  return {.threads_per_rank = resources.threads_per_rank, .timeout = Seconds(plan.options.watchdog_seconds)};
}

/// A step of an epoch.
struct Place {
  std::uint64_t epoch = 0;
  std::uint64_t step = 0;
};

/// The first step that holds nothing before this position of the stage's epochs.
Place place_behind(const train::Stage& stage, std::uint64_t position) {
  const data::BatchPlan& batches = stage.batches;
  Place place{static_cast<std::uint64_t>(stage.first_epoch) + position / batches.samples_per_epoch,
              (position % batches.samples_per_epoch + batches.global_batch - 1) / batches.global_batch};
  if (place.step == batches.steps_per_epoch()) {
    place = {place.epoch + 1, 0};
  }
  return place;
}

/// A step that fails ends a measurement, where it would be dropped or made once more in a run: it is no measure of
/// anything.
void check(const train::StepOutcome& outcome, const train::Plan& plan) {
  const train::Verdict& verdict = outcome.verdict;
  if (verdict.failure.empty() && outcome.retries.empty()) {
    return;
  }
  const std::string problem =
      text("a step failed: ", outcome.retries.empty() ? verdict.failure : outcome.retries.front().failure);
  if (verdict.out_of_memory || !outcome.retries.empty()) {
    throw MachineError(problem, text("lower --batch-size or ", plan.task.size_flag()));
  }
  throw TrainingError(problem, "a run would drop such steps, or end");
}

/// A rank that makes one step of training after the other.
class Stepper {
 public:
  Stepper(const train::Plan& plan, parallel::Rank& rank, data::Loader& loader, Place first)
      : plan_(plan),
        stage_(plan.stages.back()),
        replica_(plan.task, plan.options, rank),
        step_(rank, replica_, loader, plan) {
    replica_.set_memory_format(plan.memory_format.of_tensors());
    replica_.enter(stage_, stage_.first_epoch, /*step_in_epoch=*/0);  // with a fresh optimizer, wherever it begins
    state_.epoch = static_cast<std::int64_t>(first.epoch);
    state_.step_in_epoch = static_cast<std::int64_t>(first.step);
    state_.step = stage_.first_step;
    state_.loss_scaler = optim::LossScaler({}).state();
  }

  /// Collective: samples of all ranks. Throws as `check`, on every rank.
  std::int64_t step() {
    replica_.enter(stage_, state_.epoch, state_.step_in_epoch);
    const train::StepOutcome outcome = step_.run(stage_, state_, {});
    check(outcome, plan_);
    replica_.follow_landing_order();
    step_.timer().end_step();
    ++state_.step;
    ++state_.step_in_epoch;
    if (state_.step_in_epoch == static_cast<std::int64_t>(stage_.batches.steps_per_epoch())) {
      ++state_.epoch;
      state_.step_in_epoch = 0;
    }
    return outcome.verdict.samples;
  }

  /// Behind the steps that were made, in the order of the stage's epochs.
  std::uint64_t position() const {
    return static_cast<std::uint64_t>(state_.epoch - stage_.first_epoch) * stage_.batches.samples_per_epoch +
           static_cast<std::uint64_t>(state_.step_in_epoch) * stage_.batches.global_batch;
  }

  observe::StepTimer& timer() { return step_.timer(); }

 private:
  const train::Plan& plan_;
  const train::Stage& stage_;
  train::Replica replica_;
  train::Step step_;
  checkpoint::State state_;
};

data::LoaderOptions loading(const train::Plan& plan, Place first, c10::Device device) {
  data::LoaderOptions options;
  options.seed = plan.options.seed;
  options.prefetch_factor = static_cast<int>(plan.options.prefetch_factor);
  options.first_epoch = first.epoch;
  options.first_step = first.step;
  options.bad_samples = plan.bad_samples;
  options.memory = &train::host_memory_for(device);
  return options;
}

/// Steps that do not count: two in which the network finds its order, and those whose batches were decoded meanwhile.
int steps_before(const train::Plan& plan) {
  const auto passes_a_step = static_cast<std::int64_t>(plan.stages.back().batches.accumulation_steps());
  return static_cast<int>(2 + (plan.options.prefetch_factor + passes_a_step - 1) / passes_a_step);
}

/// Collective.
StepMeasurement count_steps(Stepper& stepper, parallel::Rank& rank, int before, Seconds duration) {
  constexpr double kMostSteps = 1000;
  double slowest = 0;
  for (int step = 0; step < before; ++step) {
    const Stopwatch watch;
    stepper.step();
    slowest = train::greatest_of_ranks(rank.group, watch.seconds());  // the last one is the most like what comes
  }
  StepMeasurement measured;
  measured.steps = static_cast<std::int64_t>(std::clamp(duration.count() / slowest, 2.0, kMostSteps));
  rank.group.barrier();
  stepper.timer().take_account();
  const double cpu_before = cpu_seconds_of_process();
  const Stopwatch watch;
  for (std::int64_t step = 0; step < measured.steps; ++step) {
    measured.samples += stepper.step();
  }
  measured.seconds = watch.seconds();
  measured.busy_cores = (cpu_seconds_of_process() - cpu_before) / measured.seconds;
  measured.of_ranks = train::gather_times(rank.group, stepper.timer().take_account());
  return measured;
}

/// The samples that are decoded ahead, of all ranks, and behind the steps that were made.
std::uint64_t samples_ahead(const train::Plan& plan) {
  const data::BatchPlan& batches = plan.stages.back().batches;
  return static_cast<std::uint64_t>(plan.options.prefetch_factor * batches.world_size) * batches.per_rank_batch;
}

}  // namespace

StepMeasurement measure_steps(const parallel::World& world, const train::Plan& plan, const train::Resources& resources,
                              Seconds duration, std::uint64_t first_position) {
  const Place first = place_behind(plan.stages.back(), first_position);
  data::DecodePool pool(resources.decode_threads);
  data::Loader loader(pool, plan.task.training_set(), train::run_plan(plan.stages),
                      loading(plan, first, world.devices.front()));
  StepMeasurement measured;
  parallel::launch(world, launching(plan, resources), [&](parallel::Rank& rank) {
    Stepper stepper(plan, rank, loader, first);
    const StepMeasurement own = count_steps(stepper, rank, steps_before(plan), duration);
    if (rank.is_first()) {
      measured = own;
      measured.end_position = stepper.position() + samples_ahead(plan);
    }
  });
  return measured;
}

namespace {

/// The first of the samples that a rank takes at a time.
data::Batch batch_of(const train::Plan& plan) {
  std::vector<data::Draw> draws;
  const data::Dataset& samples = plan.task.training_set();
  for (std::uint64_t index = 0; index < plan.stages.back().batches.per_rank_batch; ++index) {
    draws.push_back({plan.options.seed, 0, index, index % samples.size()});
  }
  return data::load_batch(samples, std::move(draws));
}

/// The seconds of a pass, until the device is done.
double time_pass(const train::Plan& plan, parallel::Rank& rank, train::Replica& replica, data::Batch& batch) {
  observe::StepTimer timer;
  const Stopwatch watch;
  replica.arena().begin_step();
  const train::PassSetting setting{.mean_extent = train::mean_extent(plan.task, batch.draws)};
  const at::Tensor losses = train::run_pass(replica, plan, rank.device, batch, setting, /*factor=*/1.0, timer);
  losses.sum().item<float>();
  if (rank.device.is_cuda()) {
    torch::cuda::synchronize(rank.device.index());
  }
  return watch.seconds();
}

}  // namespace

std::vector<double> measure_ranks_alone(const parallel::World& world, const train::Plan& plan,
                                        const train::Resources& resources) {
  constexpr int kPasses = 3;  // of which the fastest counts
  std::vector<double> seconds(static_cast<std::size_t>(world.size));
  parallel::launch(world, launching(plan, resources), [&](parallel::Rank& rank) {
    train::Replica replica(plan.task, plan.options, rank);
    replica.set_memory_format(plan.memory_format.of_tensors());
    replica.enter(plan.stages.back(), plan.stages.back().first_epoch, /*step_in_epoch=*/0);
    replica.model().network().train();
    data::Batch batch = batch_of(plan);
    for (int turn = 0; turn < rank.world_size; ++turn) {
      rank.group.barrier();
      if (turn == rank.index) {
        time_pass(plan, rank, replica, batch);
        double fastest = time_pass(plan, rank, replica, batch);
        for (int pass = 1; pass < kPasses; ++pass) {
          fastest = std::min(fastest, time_pass(plan, rank, replica, batch));
        }
        seconds[static_cast<std::size_t>(rank.index)] = fastest;
      }
    }
  });
  return seconds;
}

}  // namespace lockstep::tune
