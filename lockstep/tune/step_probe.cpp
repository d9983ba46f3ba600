#include "lockstep/tune/step_probe.h"

#include <sys/resource.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "lockstep/optim/loss_scaler.h"
#include "lockstep/parallel/launch.h"
#include "lockstep/train/evaluation.h"
#include "lockstep/train/pass.h"
#include "lockstep/train/step.h"
#include "lockstep/train/tuning.h"

namespace lockstep::tune {
namespace {

/// CPU seconds of the process so far.
double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

parallel::LaunchOptions launching(const train::Plan& plan, const train::Resources& resources) {
  return {.threads_per_rank = resources.threads_per_rank, .timeout = Seconds(plan.options.watchdog_seconds)};
}

/// A rank that makes one step of training after the other.
class Stepper {
 public:
  Stepper(const train::Plan& plan, parallel::Rank& rank, data::Loader& loader)
      : stage_(plan.stages.back()), replica_(plan.task, plan.options, rank), step_(rank, replica_, loader, plan) {
    replica_.set_memory_format(plan.memory_format.of_tensors());
    state_.epoch = stage_.first_epoch;
    state_.step = stage_.first_step;
    state_.loss_scaler = optim::LossScaler({}).state();
  }

  /// Collective: samples of all ranks.
  std::int64_t step() {
    replica_.enter(stage_, state_.epoch, state_.step_in_epoch);
    const train::StepOutcome outcome = step_.run(stage_, state_, /*wants_to_save=*/false);
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

  observe::StepTimer& timer() { return step_.timer(); }
  train::Replica& replica() { return replica_; }

 private:
  const train::Stage& stage_;
  train::Replica replica_;
  train::Step step_;
  checkpoint::State state_;
};

data::LoaderOptions loading(const train::Plan& plan) {
  data::LoaderOptions options;
  options.seed = plan.options.seed;
  options.prefetch_factor = static_cast<int>(plan.options.prefetch_factor);
  options.first_epoch = static_cast<std::uint64_t>(plan.stages.back().first_epoch);
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
  const double cpu_before = cpu_seconds();
  const Stopwatch watch;
  for (std::int64_t step = 0; step < measured.steps; ++step) {
    measured.samples += stepper.step();
  }
  measured.seconds = watch.seconds();
  measured.busy_cores = (cpu_seconds() - cpu_before) / measured.seconds;
  measured.of_ranks = train::gather_times(rank.group, stepper.timer().take_account());
  return measured;
}

}  // namespace

StepMeasurement measure_steps(const parallel::World& world, const train::Plan& plan, const train::Resources& resources,
                              Seconds duration) {
  data::DecodePool pool(resources.decode_threads);
  data::Loader loader(pool, plan.task.training_set(), train::run_plan(plan.stages), loading(plan));
  StepMeasurement measured;
  parallel::launch(world, launching(plan, resources), [&](parallel::Rank& rank) {
    Stepper stepper(plan, rank, loader);
    const StepMeasurement own = count_steps(stepper, rank, steps_before(plan), duration);
    if (rank.is_first()) {
      measured = own;
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
  const at::Tensor losses = train::run_pass(replica, plan, rank.device, batch, /*step=*/0, /*factor=*/1.0, timer);
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
