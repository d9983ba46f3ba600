#include "lockstep/train/run.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lockstep/base/error.h"
#include "lockstep/base/log.h"
#include "lockstep/base/probe.h"
#include "lockstep/base/signals.h"
#include "lockstep/base/text.h"
#include "lockstep/optim/loss_scaler.h"
#include "lockstep/parallel/devices.h"
#include "lockstep/train/algorithms.h"
#include "lockstep/train/bring_home.h"
#include "lockstep/train/clock_watch.h"
#include "lockstep/train/input.h"
#include "lockstep/train/planted_faults.h"
#include "lockstep/train/resources.h"
#include "lockstep/train/same_start.h"
#include "lockstep/train/weights_from_elsewhere.h"

namespace lockstep::train {
namespace {

/// What a run is given beside its plan.
struct Setting {
  Plan plan;
  const parallel::World& world;
  Resources resources{};
  std::optional<checkpoint::Snapshot> resumed{};   ///< until all ranks have taken it up
  std::vector<checkpoint::WeightsFile> weights{};  ///< of a new run, until all ranks have taken them up in this order
  checkpoint::State state{};
};

void check_resumed(const checkpoint::State& state, const TrainOptions& options, std::size_t samples) {
  const auto is_of_run = [&](std::int64_t batch) {
    return static_cast<std::uint64_t>(batch) == options.global_batch.value_or(static_cast<std::uint64_t>(batch));
  };
  if (!std::ranges::all_of(state.global_batches, is_of_run)) {
    throw UsageError(text("--global-batch is ", *options.global_batch, ", and that of the run in '",
                          options.checkpoint_dir.string(), "' is ", state.global_batches.back()),
                     "leave it out to resume the run, or begin anew with --fresh");
  }
  if (state.seed != options.seed) {
    throw UsageError(text("--seed is ", options.seed, ", and that of the run in '", options.checkpoint_dir.string(),
                          "' is ", state.seed),
                     "give that seed to resume the run, or begin anew with --fresh");
  }
  if (options.schedule.scheduler == "plateau" && state.evaluate_every != options.evaluate_every) {
    throw UsageError(
        text("--evaluate-every is ", options.evaluate_every, ", and that of the run in '",
             options.checkpoint_dir.string(), "' is ", state.evaluate_every, ": --scheduler plateau depends on it"),
        "give that number to resume the run, or begin anew with --fresh");
  }
  if (state.samples_per_epoch != static_cast<std::int64_t>(samples)) {
    throw DataError(text("the run in '", options.checkpoint_dir.string(), "' has ", state.samples_per_epoch,
                         " training samples, the dataset now has ", samples),
                    "restore the dataset, or start anew with --fresh");
  }
}

checkpoint::State first_state(const Plan& plan, std::size_t samples, std::int64_t epochs_done) {
  checkpoint::State state;
  state.seed = plan.options.seed;
  state.evaluate_every = plan.options.evaluate_every;
  state.epoch = std::max(plan.stages.front().first_epoch, epochs_done);
  state.step = steps_before(plan.stages, state.epoch);
  state.evaluated_step = state.step;
  for (const Stage& stage : plan.stages) {
    state.global_batches.push_back(static_cast<std::int64_t>(stage.batches.global_batch));
  }
  state.samples_per_epoch = static_cast<std::int64_t>(samples);
  state.loss_scaler = optim::LossScaler({}).state();
  return state;
}

/// What was chosen for the machine at the start of a run stays, as long as it is the same kind of machine.
void choose_for_machine(Setting& setting) {
  const c10::Device device = setting.world.devices.front();
  const int world_size = setting.world.size;
  const checkpoint::State& of_run = setting.state;
  const bool same_devices = setting.resumed && of_run.on_cpu == device.is_cpu();
  const int threads_of_run = same_devices && of_run.world_size == world_size ? of_run.threads_per_rank : 0;
  const TrainOptions& options = setting.plan.options;
  const bool keeps_precision = same_devices && options.precision == "auto";
  setting.plan.precision = choose_precision(keeps_precision ? of_run.precision : options.precision, device);
  const bool keeps_format = same_devices && options.memory_format == "auto";
  setting.plan.memory_format = choose_memory_format(keeps_format ? of_run.memory_format : options.memory_format);
  setting.resources = share_cores(setting.world, parallel::available_cores(), options, threads_of_run);
  setting.state.on_cpu = device.is_cpu();
  setting.state.world_size = world_size;
  setting.state.precision = setting.plan.precision.name;
  setting.state.memory_format = setting.plan.memory_format.name;
  setting.state.threads_per_rank = setting.resources.threads_per_rank;
}

/// Where the last snapshot is damaged, it is the one before; `holds_folder`: this process may write, and says so.
std::optional<checkpoint::Snapshot> snapshot_to_resume(const TrainOptions& options, bool holds_folder) {
  const ProbeScope probe("look at the snapshots");
  const checkpoint::SnapshotFolder snapshots(options.checkpoint_dir);
  const auto choice = snapshots.choose();
  if (!choice) {
    return std::nullopt;
  }
  if (holds_folder && !choice->passed_over.empty()) {
    for (const std::string& reason : choice->passed_over) {
      log::warn(text("a snapshot is passed over: ", reason));
    }
    snapshots.point(choice->folder, /*is_best=*/false);
  }
  return checkpoint::load_snapshot(choice->folder);
}

Setting settle(const parallel::World& world, const tasks::Task& task, const TrainOptions& options, bool holds_folder) {
  Setting setting{.plan = {task, options}, .world = world};
  setting.plan.seconds_to_run = seconds_to_run(options);
  const std::size_t samples = task.training_set().size();
  setting.resumed = snapshot_to_resume(options, holds_folder);
  if (setting.resumed) {
    setting.state = setting.resumed->state;
    check_resumed(setting.state, options, samples);
  }
  setting.plan.stages =
      plan_stages(options, {samples, world.size, task.has_deep_supervision(), setting.state.global_batches});
  if (!setting.resumed) {
    setting.weights = read_weights_to_begin_with(options);
    setting.state = first_state(setting.plan, samples, epochs_done_before(options, setting.weights));
    check_steps_left(options, setting.state);
  }
  choose_for_machine(setting);
  return setting;
}

/// "global batch 16 = 4 per GPU × 2 GPUs × 2 steps", or what comes nearest where it does not come out even.
std::string describe(const data::BatchPlan& plan, const std::string& unit) {
  const std::uint64_t accumulation = plan.accumulation_steps();
  const bool even =
      plan.per_rank_batch * static_cast<std::uint64_t>(plan.world_size) * accumulation == plan.global_batch;
  return text("global batch ", plan.global_batch, even ? " = " : ", at most ", plan.per_rank_batch, " per ", unit,
              " × ", plan.world_size, " ", unit, plan.world_size == 1 ? "" : "s", " × ", accumulation,
              accumulation == 1 ? " step" : " steps");
}

void announce(const Setting& setting) {
  const std::string unit = setting.world.devices.front().is_cpu() ? "rank" : "GPU";
  log::info(text("Using ", setting.world.describe(), " for training in ", setting.plan.precision.name, ", ",
                 setting.plan.memory_format.name, "; decode threads: ", setting.resources.decode_threads,
                 ", threads per rank: ", setting.resources.threads_per_rank));
  for (const Stage& stage : setting.plan.stages) {
    const auto steps_per_epoch = static_cast<std::int64_t>(stage.batches.steps_per_epoch());
    log::info(text(stage.name, stage.name.empty() ? "" : ": ", describe(stage.batches, unit), "; ", steps_per_epoch,
                   " steps an epoch; ", stage.rate));
    if (const auto word = optim::word_on_open_restart(stage.schedule.options(), steps_per_epoch)) {
      log::info(*word);
    }
  }
  if (setting.state.epoch >= setting.plan.options.epochs) {
    log::info(text("the run here has done its ", setting.state.epoch, " epochs; --fresh begins a new one"));
  } else if (setting.resumed) {
    log::info(text("resuming after step ", setting.state.step, ", ", setting.state.step_in_epoch, " steps into epoch ",
                   setting.state.epoch + 1, ", with the global batch of the run"));
  } else if (setting.state.step > 0) {
    log::info(text("beginning with epoch ", setting.state.epoch + 1, ": the ", setting.state.step,
                   " steps before it count as done, with an optimizer that begins anew"));
  }
}

/// What every rank does: builds its replica and trains.
RunEnd train_rank(parallel::Rank& rank, Setting& setting, Input& input, Journal* journal, checkpoint::State& state) {
  const Plan& plan = setting.plan;
  Replica replica(plan.task, plan.options, rank, setting.resumed ? InitialWeights::kLoaded : InitialWeights::kDrawn);
  replica.set_memory_format(plan.memory_format.of_tensors());
  if (setting.resumed) {
    replica.load(*setting.resumed);
  }
  for (const checkpoint::WeightsFile& file : setting.weights) {
    const checkpoint::LoadReport report = replica.take(file);
    if (rank.is_first()) {
      log::info(text(file.name(), ": ", checkpoint::describe(report)));
    }
  }
  if (setting.world.processes > 1) {
    check_same_start(rank.group, replica.model().network(), state);
  }
  rank.group.barrier();
  if (rank.index == setting.world.first_rank) {
    setting.resumed.reset();  // all ranks here have taken it up
    setting.weights.clear();
  }
  Step step(rank, replica, input.loader(), plan);
  return Loop(rank, plan, input.pool(), replica, step, journal, state).run(state);
}

std::string reason_of(RunEnd end) {
  switch (end) {
    case RunEnd::kFinished:
      return "finished";
    case RunEnd::kMaxSteps:
      return "stopped at --max-steps; the same command with more of them goes on";
    case RunEnd::kStopped:
      return "stopped by a signal; the same command goes on";
    case RunEnd::kOutOfTime:
      return "stopped at the end of its time; the same command goes on";
  }
  LOCKSTEP_ASSERT(false, "unknown end");
}

void warn_of_lost_steps(const checkpoint::State& state) {
  if (state.skipped > 0) {
    log::warn(text(state.skipped, " of ", state.step,
                   " steps were skipped, since loss or gradient was not finite; a lower --lr may help"));
  }
  if (state.dropped > 0) {
    log::warn(text(state.dropped, " of ", state.step, " steps were dropped, since a rank failed in them"));
  }
}

RunEnd train_on_all_ranks(Setting& setting, Journal* journal, RunWatch& watch) {
  Input input(setting.plan, setting.world, setting.resources.decode_threads, setting.state);
  RunEnd end = RunEnd::kFinished;
  watch.launch(setting.world, setting.resources.threads_per_rank, [&](parallel::Rank& rank) {
    checkpoint::State state = setting.state;
    const RunEnd ended = train_rank(rank, setting, input, rank.is_first() ? journal : nullptr, state);
    if (rank.index == setting.world.first_rank) {
      end = ended;
    }
    if (rank.is_first()) {
      warn_of_lost_steps(state);
    }
  });
  if (const std::size_t count = setting.plan.bad_samples->count(); count > 0) {
    log::warn(text(count, count == 1 ? " sample that cannot be read was" : " samples that cannot be read were",
                   " left out; each is named above"));
  }
  return end;
}

/// The part of the first process, which writes everything down.
RunEnd train_and_record(Setting& setting, const checkpoint::RunFolder& folder, const nlohmann::json& recipe,
                        RunWatch& watch) {
  announce(setting);
  RunEnd end;
  HomeOptions home;
  {
    Journal journal(folder, setting.plan);
    journal.started(setting.state, setting.world.size, recipe);
    watch.set_last_words([&](const std::string& reason) { journal.left_behind(reason); });
    try {
      end = train_on_all_ranks(setting, &journal, watch);
      journal.ended(reason_of(end));
    } catch (const std::exception& error) {
      journal.ended(text("failed: ", error.what()));
      watch.set_last_words(nullptr);
      throw;
    }
    watch.set_last_words(nullptr);
    home.last_weights = journal.is_best_at_stop();
  }
  log::info(reason_of(end));
  home.examples = end != RunEnd::kStopped;  // whoever stops a run waits for no pictures
  bring_home(setting.plan, setting.world.devices.front(), folder, home, watch);
  return end;
}

}  // namespace

RunEnd run(const parallel::World& world, const tasks::Task& task, const TrainOptions& options,
           const checkpoint::RunFolder* folder, const nlohmann::json& recipe, data::BadSamples* bad_samples,
           const RunHooks& hooks) {
  const StopSignals signals;
  options.validate();
  allow_algorithms(options);
  plant_slow_disk(options);

  data::BadSamples of_this_run(static_cast<std::size_t>(options.max_bad_samples));
  RunWatch watch(world, hooks, Seconds(options.watchdog_seconds));
  Setting setting = settle(world, task, options, folder != nullptr);
  setting.plan.bad_samples = bad_samples != nullptr ? bad_samples : &of_this_run;
  return folder != nullptr ? train_and_record(setting, *folder, recipe, watch)
                           : train_on_all_ranks(setting, nullptr, watch);
}

}  // namespace lockstep::train
