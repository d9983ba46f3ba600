#include <nlohmann/json.hpp>

#include "lockstep/base/files.h"
#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/checkpoint/run_folder.h"
#include "lockstep/cli/answer.h"
#include "lockstep/cli/camouflage.h"
#include "lockstep/cli/help.h"
#include "lockstep/cli/recipe.h"
#include "lockstep/observe/report.h"
#include "lockstep/tasks/camouflage/task.h"
#include "lockstep/train/run.h"

namespace lockstep::cli {
namespace {

constexpr const char* kDescription =
    "Trains a network that finds camouflaged objects, on every GPU of this machine or on the CPU. Stop it with Ctrl-C; "
    "the same command again resumes it.";

/// A folder that holds a run with other options is neither overwritten nor gone on with.
void check_same_run(const OptionTable& table, const checkpoint::RunFolder& folder) {
  const std::vector<Difference> differences = compare_recipes(table, folder.recipe());
  if (!differences.empty()) {
    throw UsageError(text("'", folder.path().string(), "' holds a run with other options: ", describe(differences)),
                     "give the options of that run to resume it, another --checkpoint-dir, or --fresh to set it aside");
  }
}

ExitCode exit_code_of(train::RunEnd end) {
  return end == train::RunEnd::kStopped ? ExitCode::kStopped : ExitCode::kFinished;
}

}  // namespace

std::string train_camouflage_flags() {
  CamouflageSetup setup;
  return to_markdown(setup.table());
}

ExitCode train_camouflage(const std::string& command, const std::vector<std::string>& arguments) {
  CamouflageSetup setup;
  const OptionTable table = setup.table();
  if (parse_or_answer(table, arguments, command, kDescription)) {
    return ExitCode::kFinished;
  }
  // The recipe in the run folder is also read from elsewhere, by `evaluate` and `predict`.
  if (!setup.task.dataset_path.empty()) {
    setup.task.dataset_path = std::filesystem::absolute(setup.task.dataset_path).lexically_normal();
  }

  const tasks::camouflage::CamouflageTask task(setup.task);
  const checkpoint::RunFolder folder(setup.train.checkpoint_dir);
  if (folder.has_traces() && setup.train.fresh) {
    log::info(text("the run that was here is now in ", folder.set_aside().string()));
  }
  if (folder.has_run()) {
    check_same_run(table, folder);
  } else {
    write_file_atomically(folder.recipe(), to_toml(table));
  }

  const train::RunEnd end = train::run(task, setup.train, folder, to_json(table));
  log::info(text("the best weights are in ", folder.best_model().string(), ", the report in ",
                 (folder.path() / observe::kReportFile).string()));
  return exit_code_of(end);
}

}  // namespace lockstep::cli
