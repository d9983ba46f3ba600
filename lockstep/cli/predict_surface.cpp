#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/cli/answer.h"
#include "lockstep/cli/help.h"
#include "lockstep/cli/surface.h"
#include "lockstep/cli/surface_answers.h"
#include "lockstep/cli/writable.h"
#include "lockstep/tasks/surface/submission.h"

namespace lockstep::cli {
namespace {

constexpr const char* kPredictSurfaceDescription =
    "Writes a mask for each volume, ID.tif of the same shape with 0 and 1, with the best weights of a run.";

struct PredictSurfaceArguments {
  SurfaceAnswering answering;
  std::filesystem::path input;
  std::filesystem::path output;

  OptionTable table() {
    OptionTable table;
    const std::string group = "Prediction";
    table.add("--input", input, "A volume (TIFF), or a folder of volumes.", {.group = group});
    table.add("--output", output, "Where to write; by default predictions/ in the run folder.",
              {.group = group, .placeholder = "DIR"});
    answering.add_to(table, group);
    return table;
  }
};

/// Masks have the names of their volumes.
void refuse_to_replace(const std::vector<data::VolumePair>& volumes, const std::filesystem::path& output) {
  for (const data::VolumePair& volume : volumes) {
    std::error_code not_there;
    if (std::filesystem::equivalent(tasks::surface::prediction_of(output, volume.id), volume.image, not_there)) {
      throw UsageError(text("the mask of ", volume.id, " would replace '", volume.image.string(), "'"),
                       "give another folder as --output");
    }
  }
}

}  // namespace

std::string predict_surface_flags() {
  PredictSurfaceArguments arguments;
  return to_markdown(arguments.table());
}

ExitCode predict_surface(const std::string& command, const std::vector<std::string>& words) {
  PredictSurfaceArguments arguments;
  if (parse_or_answer(arguments.table(), words, command, kPredictSurfaceDescription)) {
    return ExitCode::kFinished;
  }
  if (arguments.input.empty()) {
    throw UsageError("--input is missing", "give a volume or a folder of volumes");
  }
  const SurfaceAnswering& answering = arguments.answering;
  const SurfaceSetup setup = answering.setup_of_run();
  const auto volumes = data::find_images_of_volumes(arguments.input);
  const std::filesystem::path output = arguments.output.empty() ? answering.run / "predictions" : arguments.output;
  refuse_to_replace(volumes, output);
  make_directories(output);
  require_writable(tasks::surface::prediction_of(output, volumes.front().id));
  write_masks(setup, answering.run, answering.machine, volumes, answering.postprocessing(), output);
  log::info(text(volumes.size(), volumes.size() == 1 ? " mask is in " : " masks are in ", output.string()));
  return ExitCode::kFinished;
}

}  // namespace lockstep::cli
