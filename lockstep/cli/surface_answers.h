#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "lockstep/cli/surface.h"
#include "lockstep/data/volume_folders.h"
#include "lockstep/media/volume.h"
#include "lockstep/tasks/surface/postprocessing.h"

namespace lockstep::cli {

/// Windows that a rank takes at a time where nothing else is said: one keeps a device busy.
inline constexpr std::int64_t kWindowBatch = 1;

/// What commands take that let a trained network answer for whole volumes.
struct SurfaceAnswering {
  std::filesystem::path run = "runs/surface";
  std::optional<double> overlap;                   ///< unset: as the run says
  std::optional<bool> test_time_flip;              ///< unset: as the run says
  std::optional<double> threshold;                 ///< unset: as it was tuned for the run
  std::optional<std::int64_t> smallest_component;  ///< unset: as it was tuned for the run
  train::TrainOptions machine;

  SurfaceAnswering() { machine.batch_size = kWindowBatch; }

  void add_to(OptionTable& table, const std::string& group);

  /// The options of the run, with what is set here in their place.
  SurfaceSetup setup_of_run() const;

  /// How its probabilities become masks. Throws UsageError for what is no threshold.
  tasks::surface::Postprocessing postprocessing() const;
};

/// The probabilities of a volume as levels of 0 … 255.
struct Answer {
  const data::VolumePair& volume;
  media::VolumeShape shape;
  std::vector<std::uint8_t> levels;
};

/// Predicts volumes one after the other, each by all devices together, with the best weights of a run. `visit` sees the
/// answers in the order of the volumes.
void answer(const SurfaceSetup& setup, const std::filesystem::path& run, const train::TrainOptions& machine,
            std::span<const data::VolumePair> volumes, const std::function<void(Answer&&)>& visit);

/// About how many seconds that takes, from a few windows with weights of no meaning.
double seconds_to_answer(const SurfaceSetup& setup, const train::TrainOptions& machine,
                         std::span<const data::VolumePair> volumes);

/// Writes the masks of volumes as ID.tif (uint8) into a folder.
void write_masks(const SurfaceSetup& setup, const std::filesystem::path& run, const train::TrainOptions& machine,
                 std::span<const data::VolumePair> volumes, const tasks::surface::Postprocessing& how,
                 const std::filesystem::path& folder);

/// A volume of labels, (depth, height, width) uint8. Those of 16 bits above 255 become 255.
std::vector<std::uint8_t> read_labels(const std::filesystem::path& file, media::VolumeShape& shape);

/// Reads the options of the run in the folder that training was told, but for those of training, of prediction and of
/// where the data is: the network is that of the run, its patch cut to the volumes.
void take_up_recipe(SurfaceSetup& setup);

/// Finds out for the best weights of a run, on some of its evaluation volumes, how probabilities become masks best, and
/// writes it into the run folder; once for the same weights.
void tune_masks_of_run(const SurfaceSetup& setup);

/// What was found; the defaults where nothing was, and, with a warning, where it was for other weights.
tasks::surface::Postprocessing tuned_for_run(const std::filesystem::path& run);

}  // namespace lockstep::cli
