#include "lockstep/cli/diagnose.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "lockstep/base/files.h"
#include "lockstep/base/text.h"
#include "lockstep/cli/answer.h"
#include "lockstep/cli/help.h"
#include "lockstep/parallel/spawn.h"
#include "lockstep/tune/table.h"

namespace lockstep::cli {
namespace {

std::string describe_diagnose(const std::string& train_command) {
  return text(
      "Measures for about a minute, on your data and network, what each part of training takes alone and all of them "
      "take together, and says which one holds the others back, what to change, and what that gains. The flags are "
      "those of '",
      train_command, "': put 'diagnose' in place of 'train'. Nothing is trained or written.");
}

/// What the command has beside the flags of training.
struct DiagnoseArguments {
  tune::DiagnoseOptions diagnose;
  std::filesystem::path output;

  void add_to(OptionTable& table) {
    table.add("--seconds", diagnose.seconds, "About how long to measure.",
              {.group = "Diagnosis", .minimum = inclusive(10), .maximum = inclusive(3600), .in_recipe = false});
    table.add("--output", output, "Write the figures into this file, too (JSON).",
              {.group = "Diagnosis", .placeholder = "FILE", .in_recipe = false});
  }
};

}  // namespace

std::string diagnose_flags(const std::string& train_command) {
  DiagnoseArguments arguments;
  OptionTable table;
  arguments.add_to(table);
  return text("The flags of `", train_command, "`, and these:\n\n", to_markdown(table));
}

ExitCode diagnose_task(TaskSetup& setup, const std::string& train_command, const std::string& command,
                       const std::vector<std::string>& words) {
  DiagnoseArguments arguments;
  OptionTable table = setup.table();
  arguments.add_to(table);
  if (parse_or_answer(table, words, command, describe_diagnose(train_command))) {
    return ExitCode::kFinished;
  }
  if (parallel::is_one_of_several_processes()) {
    throw UsageError("lockstep diagnose measures all ranks in one process",
                     "start it without torchrun or srun; --devices names the devices");
  }
  const MeasuredTask measured = setup.make_task_to_measure();
  if (measured.cache) {
    arguments.diagnose.cache.emplace(tune::CachedSamples{*measured.cache->samples, *measured.cache->pixels});
  }
  const tune::Diagnosis diagnosis = tune::diagnose(*measured.task, setup.train, arguments.diagnose);
  std::cout << tune::to_text(diagnosis);
  if (!arguments.output.empty()) {
    write_file_atomically(arguments.output, tune::to_json(diagnosis).dump(2) + "\n");
  }
  return ExitCode::kFinished;
}

}  // namespace lockstep::cli
