#include "lockstep/cli/answer.h"
#include "lockstep/cli/camouflage.h"
#include "lockstep/cli/help.h"
#include "lockstep/cli/train.h"

namespace lockstep::cli {
namespace {

constexpr const char* kTrainDescription =
    "Trains a network that finds camouflaged objects, on every GPU of this machine or on the CPU. Stop it with Ctrl-C; "
    "the same command again resumes it.";

}  // namespace

std::string train_camouflage_flags() {
  CamouflageSetup setup;
  return to_markdown(setup.table());
}

ExitCode train_camouflage(const std::string& command, const std::vector<std::string>& arguments) {
  CamouflageSetup setup;
  const OptionTable table = setup.table();
  if (parse_or_answer(table, arguments, command, kTrainDescription)) {
    return ExitCode::kFinished;
  }
  return train_as_told(setup, table);
}

}  // namespace lockstep::cli
