#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "lockstep/base/files.h"
#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/cli/answer.h"
#include "lockstep/cli/camouflage.h"
#include "lockstep/cli/help.h"
#include "lockstep/parallel/spawn.h"
#include "lockstep/tasks/camouflage/task.h"
#include "lockstep/tune/table.h"

namespace lockstep::cli {
namespace {

constexpr const char* kDiagnoseDescription =
    "Measures for about a minute, on your data and network, what each part of training takes alone and all of them "
    "take together, and says which one holds the others back, what to change, and what that gains. The flags are those "
    "of 'lockstep train camouflage': put 'diagnose' in place of 'train'. Nothing is trained or written.";

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

/// An empty --cache ram; null where the machine has no memory for one.
std::unique_ptr<data::PixelStorage> make_empty_cache() {
  try {
    return data::make_pixel_storage({.kind = "ram"});
  } catch (const MachineError& error) {
    log::info(text("--cache ram is not tried: ", error.what()));
    return nullptr;
  }
}

/// What is diagnosed decodes each sample. Beside it goes what --cache ram would give, unless it was asked for anyway.
tune::Diagnosis diagnose(CamouflageSetup setup, tune::DiagnoseOptions options) {
  std::unique_ptr<data::PixelStorage> pixels;
  if (setup.task.cache.is_on()) {
    log::info("--cache is left out: what is measured decodes each file, and keeps nothing");
    setup.task.cache = {};
  } else {
    pixels = make_empty_cache();
  }
  const tasks::camouflage::CamouflageTask task(setup.task);
  std::unique_ptr<data::Dataset> samples;
  if (pixels != nullptr) {
    samples = task.make_training_set(*pixels);
    options.cache.emplace(tune::CachedSamples{*samples, *pixels});
  }
  return tune::diagnose(task, setup.train, options);
}

}  // namespace

std::string diagnose_camouflage_flags() {
  DiagnoseArguments arguments;
  OptionTable table;
  arguments.add_to(table);
  return "The flags of `lockstep train camouflage`, and these:\n\n" + to_markdown(table);
}

ExitCode diagnose_camouflage(const std::string& command, const std::vector<std::string>& words) {
  CamouflageSetup setup;
  DiagnoseArguments arguments;
  OptionTable table = setup.table();
  arguments.add_to(table);
  if (parse_or_answer(table, words, command, kDiagnoseDescription)) {
    return ExitCode::kFinished;
  }
  if (parallel::is_one_of_several_processes()) {
    throw UsageError("lockstep diagnose measures all ranks in one process",
                     "start it without torchrun or srun; --devices names the devices");
  }
  const tune::Diagnosis diagnosis = diagnose(setup, arguments.diagnose);
  std::cout << tune::to_text(diagnosis);
  if (!arguments.output.empty()) {
    write_file_atomically(arguments.output, tune::to_json(diagnosis).dump(2) + "\n");
  }
  return ExitCode::kFinished;
}

}  // namespace lockstep::cli
