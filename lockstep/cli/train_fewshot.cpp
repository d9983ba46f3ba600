#include "lockstep/cli/answer.h"
#include "lockstep/cli/fewshot.h"
#include "lockstep/cli/help.h"
#include "lockstep/cli/train.h"

namespace lockstep::cli {
namespace {

constexpr const char* kTrainFewShotDescription =
    "Trains a network that finds objects of classes which it is shown by a few examples, on every GPU of this machine "
    "or on the CPU. A sample is an episode: some classes, examples of each, and pictures to search. Stop it with "
    "Ctrl-C; the same command again resumes it.";

}  // namespace

std::string train_few_shot_flags() {
  FewShotSetup setup;
  return to_markdown(setup.table());
}

ExitCode train_few_shot(const std::string& command, const std::vector<std::string>& arguments) {
  FewShotSetup setup;
  const OptionTable table = setup.table();
  if (parse_or_answer(table, arguments, command, kTrainFewShotDescription)) {
    return ExitCode::kFinished;
  }
  return train_as_told(setup, table);
}

}  // namespace lockstep::cli
