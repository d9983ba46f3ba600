#include "lockstep/base/log.h"
#include "lockstep/cli/answer.h"
#include "lockstep/cli/help.h"
#include "lockstep/cli/surface.h"
#include "lockstep/cli/surface_answers.h"
#include "lockstep/cli/train.h"
#include "lockstep/parallel/spawn.h"

namespace lockstep::cli {
namespace {

constexpr const char* kTrainSurfaceDescription =
    "Trains a network that finds a surface in volumes (TIFF), on every GPU of this machine or on the CPU. Stop it with "
    "Ctrl-C; the same command again resumes it.";

}  // namespace

std::string train_surface_flags() {
  SurfaceSetup setup;
  return to_markdown(setup.table());
}

ExitCode train_surface(const std::string& command, const std::vector<std::string>& arguments) {
  SurfaceSetup setup;
  const OptionTable table = setup.table();
  if (parse_or_answer(table, arguments, command, kTrainSurfaceDescription)) {
    return ExitCode::kFinished;
  }
  const ExitCode code = train_as_told(setup, table);
  if (code == ExitCode::kFinished && !parallel::is_one_of_several_processes()) {
    take_up_recipe(setup);  // the run may have been that of other processes
    tune_masks_of_run(setup);
  }
  return code;
}

}  // namespace lockstep::cli
