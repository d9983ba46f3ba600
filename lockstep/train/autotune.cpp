#include "lockstep/train/autotune.h"

#include <torch/torch.h>

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "lockstep/base/log.h"
#include "lockstep/base/probe.h"
#include "lockstep/base/text.h"
#include "lockstep/data/epoch_order.h"
#include "lockstep/parallel/devices.h"
#include "lockstep/parallel/launch.h"
#include "lockstep/train/algorithms.h"
#include "lockstep/train/extent.h"
#include "lockstep/train/pass.h"
#include "lockstep/train/replica.h"
#include "lockstep/train/resources.h"
#include "lockstep/train/tuning.h"

namespace lockstep::train {
namespace {

constexpr Seconds kBudget{20};

Plan plan_of(const parallel::World& world, const tasks::Task& task, const TrainOptions& options) {
  Plan plan{task, options};
  plan.stages = plan_stages(options, task, world.size);
  plan.precision = choose_precision(options.precision, world.devices.front());
  return plan;
}

/// The samples of a rank's first pass; where there are so few that it has none, the first ones of the epoch.
data::Batch first_batch(const Plan& plan, const Stage& stage, int rank) {
  const data::Dataset& samples = plan.task.training_set();
  const std::vector<data::Range> passes = stage.batches.passes(0, rank);
  const std::uint64_t some = std::min(stage.batches.per_rank_batch, stage.batches.positions(0).size());
  const data::Range range = passes.empty() ? data::Range{0, some} : passes.front();
  const data::EpochOrder order = data::shuffled_order(plan.options.seed, 0, samples.size());
  std::vector<data::Draw> draws;
  for (std::uint64_t position = range.begin; position < range.end; ++position) {
    draws.push_back({plan.options.seed, 0, position, order[position]});
  }
  data::Batch batch = data::load_batch(samples, std::move(draws), plan.bad_samples);
  if (batch.size() == 0) {
    throw DataError("--autotune: no sample of the first batch can be read", "mend them, or leave --autotune out");
  }
  return batch;
}

/// A rank's network at work on one batch.
class Workout {
 public:
  Workout(const Plan& plan, parallel::Rank& rank) : plan_(plan), rank_(rank), replica_(plan.task, plan.options, rank) {
    Stage stage = plan.stages.back();
    if (stage.backbone == Backbone::kThawing) {
      stage.backbone = Backbone::kTrained;  // as it is for most of the stage
    }
    replica_.enter(stage, stage.first_epoch, /*step_in_epoch=*/0);
    replica_.model().network().train();
    const ProbeScope probe("wait for data");
    batch_ = first_batch(plan, stage, rank.index);
  }

  /// Collective. Seconds of a step without its update.
  double step(const Tuning& tuning) {
    at::set_num_threads(tuning.threads_per_rank);
    replica_.set_memory_format(MemoryFormat{tuning.memory_format}.of_tensors());
    const Stopwatch watch;
    replica_.sync().begin();
    replica_.sync().before_last_pass();
    const PassSetting setting{.mean_extent = mean_extent(plan_.task, batch_.draws)};
    run_pass(replica_, plan_, rank_.device, batch_, setting, 1.0 / static_cast<double>(batch_.size()), timer_);
    timer_.enter(observe::Part::kReduce);
    replica_.sync().finish();
    if (rank_.device.is_cuda()) {
      torch::cuda::synchronize(rank_.device.index());
    }
    timer_.enter(observe::Part::kOther);
    const double seconds = watch.seconds();
    replica_.follow_landing_order();
    return seconds;
  }

 private:
  const Plan& plan_;
  parallel::Rank& rank_;
  Replica replica_;
  data::Batch batch_;
  observe::StepTimer timer_;
};

/// Collective: the fewest threads that any rank's machine can give it, since all ranks are to try the same.
int agree_on_most_threads(parallel::Group& group, int most) {
  return static_cast<int>(-greatest_of_ranks(group, -most));
}

void tell(const std::vector<Trial>& trials, std::size_t planned, std::uint64_t batch_size) {
  log::info(
      text("--autotune: forward, backward and reduction of ", batch_size, " samples a rank, on the slowest rank"));
  for (const Trial& trial : trials) {
    std::ostringstream line;
    line << "  " << std::left << std::setw(14) << trial.tuning.memory_format << std::right << std::setw(3)
         << trial.tuning.threads_per_rank << (trial.tuning.threads_per_rank == 1 ? " thread " : " threads")
         << std::fixed << std::setprecision(1) << std::setw(10) << 1e3 * trial.seconds << " ms";
    log::info(line.str());
  }
  if (trials.size() < planned) {
    log::info(text("  ", planned - trials.size(), " more were left out, since steps are slow"));
  }
  const Tuning& chosen = winner_of(trials).tuning;
  log::info(text("--autotune: --memory-format ", chosen.memory_format, " --threads-per-rank ", chosen.threads_per_rank,
                 chosen == trials.front().tuning ? ", as without it" : ""));
}

/// Collective over the ranks.
Tuning find_best(const Plan& plan, parallel::Rank& rank, int most_threads_here) {
  const int most_threads = agree_on_most_threads(rank.group, most_threads_here);
  const std::vector<Tuning> tunings = tunings_to_try(plan.options, most_threads);
  Workout workout(plan, rank);
  const auto trials = try_out(
      rank.group, tunings, [&](const Tuning& tuning) { return workout.step(tuning); }, kBudget);
  if (rank.is_first()) {
    tell(trials, tunings.size(), plan.stages.back().batches.per_rank_batch);
  }
  return winner_of(trials).tuning;
}

}  // namespace

void autotune(const parallel::World& world, const tasks::Task& task, TrainOptions& options,
              data::BadSamples& bad_samples, const RunHooks& hooks) {
  options.validate();
  const bool on_cpu = world.devices.front().is_cpu();
  const bool threads_are_open = on_cpu && !options.threads_per_rank;
  if (options.memory_format != "auto" && !threads_are_open) {
    log::info("--autotune: nothing is left open that could be measured");
    return;
  }
  allow_algorithms(options);
  Plan plan = plan_of(world, task, options);
  plan.bad_samples = &bad_samples;
  const int most_threads = most_threads_per_rank(world, parallel::available_cores(), options);
  Tuning best;
  RunWatch(world, hooks, Seconds(options.watchdog_seconds)).launch(world, /*threads_per_rank=*/1, [&](auto& rank) {
    const Tuning found = find_best(plan, rank, most_threads);
    if (rank.index == world.first_rank) {
      best = found;
    }
  });
  options.memory_format = best.memory_format;
  if (threads_are_open) {
    options.threads_per_rank = best.threads_per_rank;
  }
}

}  // namespace lockstep::train
