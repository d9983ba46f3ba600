#include <nlohmann/json.hpp>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/checkpoint/snapshot_folder.h"
#include "lockstep/cli/surface_answers.h"
#include "lockstep/tasks/surface/task.h"

namespace lockstep::cli {
namespace {

using tasks::surface::AnsweredVolume;
using tasks::surface::Postprocessing;
using tasks::surface::Tuned;

constexpr const char* kTunedFile = "postprocessing.json";

/// What a file of weights is called in the run: "step-00000120/ema.safetensors".
std::string name_in_run(const std::filesystem::path& weights) {
  return (weights.parent_path().filename() / weights.filename()).string();
}

nlohmann::json read_json(const std::filesystem::path& file) {
  nlohmann::json json = nlohmann::json::parse(read_text(file), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    throw DataError(text("'", file.string(), "' is no JSON"), "remove it");
  }
  return json;
}

/// Some of the volumes, spread over all of them.
std::vector<data::VolumePair> some_of(const std::vector<data::VolumePair>& volumes, std::size_t most) {
  const std::size_t count = std::min(most, volumes.size());
  std::vector<data::VolumePair> some;
  for (std::size_t i = 0; i < count; ++i) {
    some.push_back(volumes[i * volumes.size() / count]);
  }
  return some;
}

std::string words_of(const Postprocessing& how) {
  return text("threshold ", how.threshold,
              how.smallest_component > 0 ? text(", pieces of fewer than ", how.smallest_component, " voxels taken away")
                                         : std::string(", no piece too small"));
}

}  // namespace

void tune_masks_of_run(const SurfaceSetup& setup) {
  const std::filesystem::path& run = setup.train.checkpoint_dir;
  const std::filesystem::path file = run / kTunedFile;
  const std::string weights = name_in_run(checkpoint::best_weights(run));
  if (setup.tuning_volumes == 0 || (std::filesystem::exists(file) && read_json(file).value("weights", "") == weights)) {
    return;
  }
  const std::vector<data::VolumePair> volumes =
      some_of(tasks::surface::split_of(setup.task).evaluation, static_cast<std::size_t>(setup.tuning_volumes));
  log::info(text("tuning threshold and sizes on ", volumes.size(), volumes.size() == 1 ? " volume" : " volumes"));
  train::TrainOptions machine = setup.train;
  machine.batch_size = kWindowBatch;
  std::vector<AnsweredVolume> answered;
  answer(setup, run, machine, volumes, [&](Answer&& one) {
    media::VolumeShape shape;
    std::vector<std::uint8_t> labels = read_labels(one.volume.label, shape);
    answered.push_back({std::move(one.levels), std::move(labels), shape});
  });
  const Tuned tuned = tasks::surface::tune_postprocessing(answered);
  const nlohmann::json json{{"threshold", tuned.how.threshold},
                            {"smallest_component", tuned.how.smallest_component},
                            {"dice", tuned.dice},
                            {"dice_before", tuned.dice_before},
                            {"weights", weights}};
  write_file_atomically(file, json.dump(2) + "\n");
  log::info(text(words_of(tuned.how), ": Dice ", tuned.dice, " by whole volumes, ", tuned.dice_before, " without; ",
                 file.string()));
}

Postprocessing tuned_for_run(const std::filesystem::path& run) {
  const std::filesystem::path file = run / kTunedFile;
  Postprocessing how;
  if (std::filesystem::exists(file)) {
    const nlohmann::json json = read_json(file);
    const std::string weights = name_in_run(checkpoint::best_weights(run));
    if (const std::string tuned_for = json.value("weights", ""); tuned_for != weights) {
      log::warn(text("'", file.string(), "' is for other weights (", tuned_for, ") than the best now (", weights,
                     "): ", words_of(how), " instead; 'lockstep train surface' tunes them when the run ends"));
      return how;
    }
    try {
      how.threshold = json.at("threshold").get<double>();
      how.smallest_component = json.at("smallest_component").get<std::int64_t>();
    } catch (const nlohmann::json::exception&) {
      throw DataError(text("'", file.string(), "' lacks threshold or smallest_component"), "remove it");
    }
  }
  return how;
}

}  // namespace lockstep::cli
