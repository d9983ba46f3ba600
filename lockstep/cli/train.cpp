#include "lockstep/cli/train.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "lockstep/base/files.h"
#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/checkpoint/run_folder.h"
#include "lockstep/cli/leave.h"
#include "lockstep/cli/recipe.h"
#include "lockstep/cli/resume_from.h"
#include "lockstep/observe/report.h"
#include "lockstep/parallel/devices.h"
#include "lockstep/parallel/placement.h"
#include "lockstep/parallel/spawn.h"
#include "lockstep/parallel/world.h"
#include "lockstep/train/autotune.h"
#include "lockstep/train/run.h"

namespace lockstep::cli {
namespace {

/// Says what differs from the options with which the run here began. A folder that holds another run is neither
/// overwritten nor gone on with.
void check_same_run(const OptionTable& table, const checkpoint::RunFolder& folder) {
  const std::vector<Difference> differences = compare_recipes(table, folder.recipe());
  if (!differences.empty()) {
    log::info("options that differ from those with which the run here began:");
  }
  for (const std::string& line : to_table(differences)) {
    log::info(text("  ", line));
  }
  if (const std::vector<Difference> others = refused(differences); !others.empty()) {
    throw UsageError(text("'", folder.path().string(), "' holds a run with other options: ", describe(others)),
                     "give the options of that run to resume it, another --checkpoint-dir, or --fresh to set it aside");
  }
}

/// Mends what a kill has left behind in the folder; sets a run aside that is in it, if asked for, or makes sure that it
/// is this one; takes up the one of --resume-from where there is none.
void make_room(const checkpoint::RunFolder& folder, const OptionTable& table, const train::TrainOptions& options) {
  checkpoint::SnapshotFolder(folder.path()).recover();
  const bool is_restart = options.fresh && parallel::is_started_again(parallel::environment_variable);
  if (is_restart) {
    log::info("the launcher has started this run again: --fresh is for its first start, and what is here is resumed");
  }
  const bool sets_aside = options.fresh && !is_restart && folder.has_traces();
  const auto origin = find_run_to_take_up(folder, table, options, sets_aside);
  if (sets_aside) {
    log::info(text("the run that was here is now in ", folder.set_aside().string()));
  }
  if (folder.has_run()) {
    check_same_run(table, folder);
  }
  if (origin) {
    take_up_run(*origin, folder, table);
  }
}

/// A run keeps the recipe with which it began.
void keep_recipe(const checkpoint::RunFolder& folder, const OptionTable& table) {
  if (!folder.has_run()) {
    write_file_atomically(folder.recipe(), to_toml(table));
  }
}

/// Drops what this process has to say of what goes well.
void keep_warnings_only() {
  static log::Sink before;
  before = log::set_sink([](log::Level level, const std::string& line) {
    if (level == log::Level::kWarning) {
      before(level, line);
    }
  });
}

/// What every process of the run does; the first one holds the run folder, and alone speaks of what goes well. `table`
/// is that of `setup`, so that the recipe shows what --autotune chooses.
train::RunEnd train_in_world(const parallel::World& world, TaskSetup& setup, const OptionTable& table) {
  if (!world.is_first_process()) {
    keep_warnings_only();
  }
  const std::unique_ptr<tasks::Task> made = setup.make_task(world.local_processes);
  const tasks::Task& task = *made;
  std::optional<checkpoint::RunFolder> folder;
  if (world.is_first_process()) {
    folder.emplace(setup.train.checkpoint_dir);
    make_room(*folder, table, setup.train);
  }
  world.meet("the run folder");
  data::BadSamples bad_samples(static_cast<std::size_t>(setup.train.max_bad_samples));
  if (setup.train.autotune && !checkpoint::SnapshotFolder(setup.train.checkpoint_dir).has_any()) {
    train::autotune(world, task, setup.train, bad_samples, {.leave = leave_at_once});
  }
  if (folder) {
    keep_recipe(*folder, table);
  }
  const train::RunEnd end = train::run(world, task, setup.train, folder ? &*folder : nullptr, to_json(table),
                                       &bad_samples, {.leave = leave_at_once});
  if (folder) {
    log::info(text("the best weights are in ", folder->best_model().string(), ", the report in ",
                   (folder->path() / observe::kReportFile).string()));
  }
  return end;
}

/// How many processes this one is to start, and only to wait for; 1 where it trains itself.
int processes_to_start(const train::TrainOptions& options) {
  if (options.ranks != "process" || parallel::is_one_of_several_processes()) {
    return 1;
  }
  options.validate();
  return static_cast<int>(parallel::parse_devices(options.devices).size());
}

}  // namespace

ExitCode exit_code_of(train::RunEnd end) {
  const bool may_go_on = end == train::RunEnd::kStopped || end == train::RunEnd::kOutOfTime;
  return may_go_on ? ExitCode::kStopped : ExitCode::kFinished;
}

void make_paths_absolute(TaskSetup& setup) {
  for (std::filesystem::path* path : {&setup.dataset_path(), &setup.train.resume_from}) {
    if (!path->empty()) {
      *path = std::filesystem::absolute(*path).lexically_normal();
    }
  }
}

train::RunEnd train_here(TaskSetup& setup, const OptionTable& table) {
  const parallel::World world = parallel::join_world(setup.train.devices, Seconds(setup.train.watchdog_seconds));
  train::RunEnd end{};
  world.together([&] { end = train_in_world(world, setup, table); });
  return end;
}

ExitCode train_as_told(TaskSetup& setup, const OptionTable& table) {
  make_paths_absolute(setup);
  if (const int processes = processes_to_start(setup.train); processes > 1) {
    return parallel::run_as_processes(processes);
  }
  return exit_code_of(train_here(setup, table));
}

}  // namespace lockstep::cli
