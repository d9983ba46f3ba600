#include "lockstep/train/run.h"

#include <ATen/Context.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/log.h"
#include "lockstep/base/signals.h"
#include "lockstep/base/text.h"
#include "lockstep/observe/report.h"
#include "lockstep/parallel/devices.h"
#include "lockstep/train/resources.h"
#include "lockstep/train/trained_model.h"

namespace lockstep::train {
namespace {

constexpr std::size_t kExamples = 12;

/// What is decided before the ranks start, the same for all of them.
struct Setting {
  const tasks::Task& task;
  const TrainOptions& options;
  const parallel::World& world;
  Resources resources{};
  data::BatchPlan plan{};
  optim::Schedule schedule{optim::ScheduleOptions{}};
  std::optional<checkpoint::Snapshot> resumed{};
  checkpoint::State state{};
};

optim::ScheduleKind schedule_kind(const std::string& name) {
  if (name == "onecycle") {
    return optim::ScheduleKind::kOneCycle;
  }
  if (name == "cosine") {
    return optim::ScheduleKind::kCosine;
  }
  throw UsageError(text("--scheduler '", name, "' is not known"), "give onecycle or cosine");
}

optim::Schedule make_schedule(const TrainOptions& options, const data::BatchPlan& plan) {
  const auto steps_per_epoch = static_cast<std::int64_t>(plan.steps_per_epoch());
  optim::ScheduleOptions schedule;
  schedule.kind = schedule_kind(options.scheduler);
  schedule.learning_rate = options.learning_rate;
  schedule.min_learning_rate = options.min_learning_rate;
  schedule.warmup_steps = std::llround(options.warmup_epochs * static_cast<double>(steps_per_epoch));
  schedule.total_steps = options.epochs * steps_per_epoch;
  return optim::Schedule(schedule);
}

/// A run that goes on keeps the global batch with which it began: on another number of ranks the accumulation follows.
data::BatchPlan make_plan(const Setting& setting) {
  data::BatchOptions batch;
  batch.per_rank_batch = static_cast<std::uint64_t>(setting.options.batch_size);
  if (setting.resumed) {
    batch.global_batch = static_cast<std::uint64_t>(setting.resumed->state.global_batch);
  } else {
    batch.accumulation_steps = static_cast<std::uint64_t>(setting.options.accumulation_steps);
    batch.global_batch = setting.options.global_batch;
  }
  return data::plan_batches(batch, setting.task.training_set().size(), setting.world.size);
}

void check_resumed(const checkpoint::State& state, const TrainOptions& options, std::size_t samples) {
  const auto run_batch = static_cast<std::uint64_t>(state.global_batch);
  if (options.global_batch.value_or(run_batch) != run_batch) {
    throw UsageError(text("--global-batch is ", *options.global_batch, ", and that of the run in '",
                          options.checkpoint_dir.string(), "' is ", run_batch),
                     "leave it out to resume the run, or begin anew with --fresh");
  }
  if (state.seed != options.seed) {
    throw UsageError(text("--seed is ", options.seed, ", and that of the run in '", options.checkpoint_dir.string(),
                          "' is ", state.seed),
                     "give that seed to resume the run, or begin anew with --fresh");
  }
  if (state.samples_per_epoch != static_cast<std::int64_t>(samples)) {
    throw DataError(text("the run in '", options.checkpoint_dir.string(), "' has ", state.samples_per_epoch,
                         " training samples, the dataset now has ", samples),
                    "restore the dataset, or start anew with --fresh");
  }
}

checkpoint::State first_state(const TrainOptions& options, const data::BatchPlan& plan) {
  checkpoint::State state;
  state.seed = options.seed;
  state.global_batch = static_cast<std::int64_t>(plan.global_batch);
  state.samples_per_epoch = static_cast<std::int64_t>(plan.samples_per_epoch);
  return state;
}

Setting settle(const parallel::World& world, const tasks::Task& task, const TrainOptions& options) {
  Setting setting{.task = task, .options = options, .world = world};
  if (const auto last = checkpoint::SnapshotFolder(options.checkpoint_dir).last()) {
    setting.resumed = checkpoint::load_snapshot(*last);
    check_resumed(setting.resumed->state, options, task.training_set().size());
  }
  const bool on_cpu = world.devices.front().is_cpu();
  int threads_of_run = 0;
  if (setting.resumed && setting.resumed->state.on_cpu == on_cpu && setting.resumed->state.world_size == world.size) {
    threads_of_run = setting.resumed->state.threads_per_rank;
  }
  setting.resources = share_cores(world, parallel::available_cores(), options, threads_of_run);
  setting.plan = make_plan(setting);
  setting.schedule = make_schedule(options, setting.plan);
  setting.state = setting.resumed ? setting.resumed->state : first_state(options, setting.plan);
  setting.state.on_cpu = on_cpu;
  setting.state.world_size = world.size;
  setting.state.threads_per_rank = setting.resources.threads_per_rank;
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
  const data::BatchPlan& plan = setting.plan;
  log::info(text("Using ", setting.world.describe(), " for training; decode threads: ",
                 setting.resources.decode_threads, ", threads per rank: ", setting.resources.threads_per_rank));
  log::info(text(describe(plan, setting.world.devices.front().is_cpu() ? "rank" : "GPU"), "; ", plan.steps_per_epoch(),
                 " steps an epoch"));
  if (setting.state.epoch >= setting.options.epochs) {
    log::info(text("the run here has done its ", setting.state.epoch, " epochs; --fresh begins a new one"));
  } else if (setting.resumed) {
    log::info(text("resuming after step ", setting.state.step, ", ", setting.state.step_in_epoch, " steps into epoch ",
                   setting.state.epoch + 1, ", with the global batch of the run"));
  }
}

std::string first_of(const std::vector<std::string>& names) {
  return names.empty() ? "" : text(" (", names.front(), names.size() > 1 ? ", …)" : ")");
}

void announce_pretrained(const std::filesystem::path& file, const checkpoint::LoadReport& report) {
  log::info(text(file.string(), ": ", report.matched.size(), " weights loaded; ", report.missing.size(),
                 " of the network are not in it", first_of(report.missing), "; not used: ", report.unused.size(),
                 first_of(report.unused), ", of another shape: ", report.shape_mismatch.size(),
                 first_of(report.shape_mismatch)));
}

/// What every rank does: builds its replica and trains.
RunEnd train_rank(parallel::Rank& rank, const Setting& setting, data::DecodePool& pool, data::Loader& loader,
                  Journal* journal, checkpoint::State& state) {
  Replica replica(setting.task, setting.options, rank.device);
  if (setting.resumed) {
    replica.load(*setting.resumed);
  } else if (!setting.options.pretrained.empty()) {
    const checkpoint::LoadReport report = replica.load_pretrained(setting.options.pretrained);
    if (rank.is_first()) {
      announce_pretrained(setting.options.pretrained, report);
    }
  }
  Step step(rank, replica, loader, setting.plan, setting.schedule, setting.options, setting.task.training_set());
  return Loop(rank, setting.task, setting.options, setting.plan, pool, replica, step, journal).run(state);
}

std::string reason_of(RunEnd end) {
  switch (end) {
    case RunEnd::kFinished:
      return "finished";
    case RunEnd::kMaxSteps:
      return "stopped at --max-steps; the same command with more of them goes on";
    case RunEnd::kStopped:
      return "stopped by a signal; the same command goes on";
  }
  LOCKSTEP_ASSERT(false, "unknown end");
}

void warn_of_skips(const checkpoint::State& state) {
  if (state.updates < state.step) {
    log::warn(text(state.step - state.updates, " of ", state.step,
                   " steps were skipped, since loss or gradient was not finite; a lower --lr may help"));
  }
}

RunEnd train_on_all_ranks(const Setting& setting, Journal* journal) {
  data::DecodePool pool(setting.resources.decode_threads);
  data::LoaderOptions loading;
  loading.seed = setting.options.seed;
  loading.shuffle = true;
  loading.prefetch_factor = static_cast<int>(setting.options.prefetch_factor);
  loading.first_epoch = static_cast<std::uint64_t>(setting.state.epoch);
  loading.first_step = static_cast<std::uint64_t>(setting.state.step_in_epoch);
  loading.end_epoch = static_cast<std::uint64_t>(setting.options.epochs);
  if (setting.world.place) {
    loading.only_rank = setting.world.first_rank;
  }
  data::Loader loader(pool, setting.task.training_set(), setting.plan, loading);

  RunEnd end = RunEnd::kFinished;
  parallel::LaunchOptions launching;
  launching.threads_per_rank = setting.resources.threads_per_rank;
  launching.timeout = Seconds(setting.options.watchdog_seconds);
  parallel::launch(setting.world, launching, [&](parallel::Rank& rank) {
    checkpoint::State state = setting.state;
    const RunEnd ended = train_rank(rank, setting, pool, loader, rank.is_first() ? journal : nullptr, state);
    if (rank.index == setting.world.first_rank) {
      end = ended;
    }
    if (rank.is_first()) {
      warn_of_skips(state);
    }
  });
  return end;
}

std::vector<observe::ReportExample> make_examples(const Setting& setting, const checkpoint::RunFolder& folder) {
  std::vector<observe::ReportExample> examples;
  parallel::launch({setting.world.devices.front()}, {}, [&](parallel::Rank& rank) {
    const auto model = load_trained(setting.task, folder.best_model(), rank.device);
    for (tasks::Example& example : illustrate(rank, setting.task, *model, kExamples)) {
      examples.push_back({std::move(example.caption), std::move(example.png)});
    }
  });
  return examples;
}

/// Leaves the best weights in the run folder, or the last where none was evaluated yet, and a report that shows them.
void bring_home(const Setting& setting, const checkpoint::RunFolder& folder) {
  write_file_atomically(folder.best_model(), read_file(checkpoint::best_weights(folder.path())));

  observe::ReportContent report;
  report.title = setting.task.name();
  report.best_metric = setting.task.best_metric();
  report.split = kEvaluationSplit;
  try {
    report.examples = make_examples(setting, folder);
  } catch (const UserError& error) {
    log::warn(text("the report is without examples: ", error.what()));
  }
  observe::write_report(folder.path(), report);
}

/// The part of the first process, which writes everything down.
RunEnd train_and_record(const Setting& setting, const checkpoint::RunFolder& folder, const nlohmann::json& recipe) {
  announce(setting);
  const auto total_steps = setting.options.epochs * static_cast<std::int64_t>(setting.plan.steps_per_epoch());
  RunEnd end;
  {
    Journal journal(folder, setting.options, setting.schedule, total_steps);
    journal.started(setting.state, setting.world.size, recipe);
    try {
      end = train_on_all_ranks(setting, &journal);
    } catch (const std::exception& error) {
      journal.ended(text("failed: ", error.what()));
      throw;
    }
    journal.ended(reason_of(end));
  }
  log::info(reason_of(end));
  bring_home(setting, folder);
  return end;
}

}  // namespace

RunEnd run(const parallel::World& world, const tasks::Task& task, const TrainOptions& options,
           const checkpoint::RunFolder* folder, const nlohmann::json& recipe) {
  const StopSignals signals;
  options.validate();
  if (options.deterministic) {
    ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);  // cuBLAS asks for it before it is first used
    at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
  }
  at::globalContext().setBenchmarkCuDNN(!options.deterministic);

  const Setting setting = settle(world, task, options);
  return folder != nullptr ? train_and_record(setting, *folder, recipe) : train_on_all_ranks(setting, nullptr);
}

}  // namespace lockstep::train
