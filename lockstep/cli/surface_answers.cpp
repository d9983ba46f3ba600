#include "lockstep/cli/surface_answers.h"

#include <algorithm>
#include <cmath>

#include "lockstep/base/clock.h"
#include "lockstep/base/files.h"
#include "lockstep/base/log.h"
#include "lockstep/base/probe.h"
#include "lockstep/base/text.h"
#include "lockstep/checkpoint/snapshot_folder.h"
#include "lockstep/cli/leave.h"
#include "lockstep/cli/train_options.h"
#include "lockstep/data/volume_home.h"
#include "lockstep/data/volume_store.h"
#include "lockstep/media/tiff.h"
#include "lockstep/parallel/devices.h"
#include "lockstep/tasks/surface/predict.h"
#include "lockstep/tasks/surface/submission.h"
#include "lockstep/train/all_devices.h"
#include "lockstep/train/evaluation_mode.h"
#include "lockstep/train/trained_model.h"

namespace lockstep::cli {
namespace {

using tasks::surface::SlidingWindow;
using tasks::surface::SurfaceModel;
using tasks::surface::WindowOptions;
using tasks::surface::WindowShare;

WindowOptions windows_of(const SurfaceSetup& setup, const train::TrainOptions& machine) {
  return {.window = setup.task.patch(), .overlap = setup.task.overlap, .batch_size = machine.batch_size};
}

WindowShare share_of(parallel::Rank& rank) {
  return {.worker = rank.index, .workers = rank.world_size, .sum_up = [&rank](const at::Tensor& tensor) {
            rank.group.all_reduce(tensor);
          }};
}

/// One volume, of which no more slices are kept than windows that lie beside each other need. It is not mapped: pages
/// of a file that have been read would count as memory of this process until something else wants it.
std::unique_ptr<data::VolumeStore> open_for_windows(data::VolumePair volume, std::int64_t window_depth) {
  const media::TiffVolume file(volume.image);
  const std::int64_t slices = std::min(file.shape().depth, window_depth + window_depth / 2);
  data::VolumeStoreOptions options;
  options.memory_limit = static_cast<std::uint64_t>(slices * file.shape().slice_voxels()) * bytes_of(file.type());
  options.threads = parallel::available_cores();
  options.map_files = false;
  volume.label.clear();
  return std::make_unique<data::VolumeStore>(std::span(&volume, 1), options);
}

SlidingWindow sliding_over(const std::filesystem::path& image, const WindowOptions& options) {
  const media::VolumeShape shape = media::TiffVolume(image).shape();
  return SlidingWindow({shape.depth, shape.height, shape.width}, options);
}

}  // namespace

void SurfaceAnswering::add_to(OptionTable& table, const std::string& group) {
  table.add("--checkpoint-dir", run, "The run whose best weights are used.", {.group = group, .placeholder = "DIR"});
  table.add("--overlap", overlap, "Of neighbouring windows, as a share of their sides; by default as the run says.",
            {.group = group, .minimum = inclusive(0), .maximum = exclusive(1)});
  table.add("--test-time-flip", test_time_flip,
            "Average the answers for a window and its seven mirror images; by default as the run says.",
            {.group = group});
  table.add("--threshold", threshold,
            "The least probability that is surface; by default as it was tuned for the run, else 0.5.",
            {.group = group, .minimum = exclusive(0), .maximum = inclusive(1)});
  table.add(
      "--smallest-component", smallest_component,
      "Voxels; connected pieces with fewer are taken away. By default as it was tuned for the run, else none are.",
      {.group = group, .minimum = inclusive(0)});
  table.add("--batch-size", machine.batch_size, "Windows that a GPU (or CPU rank) takes at a time.",
            {.group = group, .minimum = inclusive(1), .maximum = inclusive(kMostSamples)});
  add_machine_options(table, machine);
}

SurfaceSetup SurfaceAnswering::setup_of_run() const {
  SurfaceSetup setup;
  read_recipe_of_run(setup, run, kTrainSurface);
  setup.task.overlap = overlap.value_or(setup.task.overlap);
  setup.task.test_time_flip = test_time_flip.value_or(setup.task.test_time_flip);
  return setup;
}

tasks::surface::Postprocessing SurfaceAnswering::postprocessing() const {
  tasks::surface::Postprocessing how = tuned_for_run(run);
  how.threshold = threshold.value_or(how.threshold);
  how.smallest_component = smallest_component.value_or(how.smallest_component);
  how.validate();
  return how;
}

void take_up_recipe(SurfaceSetup& setup) {
  const SurfaceSetup given = setup;
  read_recipe_of_run(setup, given.train.checkpoint_dir, kTrainSurface);
  setup.train = given.train;
  setup.tuning_volumes = given.tuning_volumes;
  setup.task.dataset_path = given.task.dataset_path;
  setup.task.overlap = given.task.overlap;
  setup.task.test_time_flip = given.task.test_time_flip;
}

void answer(const SurfaceSetup& setup, const std::filesystem::path& run, const train::TrainOptions& machine,
            std::span<const data::VolumePair> volumes, const std::function<void(Answer&&)>& visit) {
  const std::filesystem::path weights = checkpoint::best_weights(run);
  const WindowOptions options = windows_of(setup, machine);
  std::unique_ptr<data::VolumeStore> store;  // of the ranks together: the first one opens it
  train::on_all_devices(machine, {.leave = leave_at_once}, [&](parallel::Rank& rank, data::DecodePool&) {
    SurfaceModel model(setup.task, setup.task.patch(), /*seed=*/std::nullopt);
    train::load_trained_weights(model, weights, rank.device);
    const train::EvaluationMode mode(model.network(), rank.device,
                                     train::choose_precision(machine.precision, rank.device));
    for (const data::VolumePair& volume : volumes) {
      rank.group.barrier();
      if (rank.is_first()) {
        const ProbeScope probe("open", volume.id);
        store = open_for_windows(volume, options.window[0]);
      }
      rank.group.barrier();
      const data::StoredVolume& stored = (*store)[0];
      std::vector<std::uint8_t> levels = tasks::surface::predict_levels(model, rank.device, stored, options,
                                                                        setup.task.test_time_flip, share_of(rank));
      if (rank.is_first()) {
        const ProbeScope probe("work on the answer for", volume.id);
        visit({volume, stored.image.shape(), std::move(levels)});
      }
    }
  });
}

double seconds_to_answer(const SurfaceSetup& setup, const train::TrainOptions& machine,
                         std::span<const data::VolumePair> volumes) {
  constexpr double kPlay = 1.4;  // for what is read, put together and written
  constexpr int kTries = 2;      // the first one warms up
  const WindowOptions options = windows_of(setup, machine);
  double seconds = 0;
  double ranks = 1;
  train::on_all_devices(machine, {.leave = leave_at_once}, [&](parallel::Rank& rank, data::DecodePool&) {
    SurfaceModel model(setup.task, options.window, /*seed=*/1);
    model.network().to(rank.device);
    const train::EvaluationMode mode(model.network(), rank.device,
                                     train::choose_precision(machine.precision, rank.device));
    const at::Tensor windows =
        at::zeros({options.batch_size, options.window[0], options.window[1], options.window[2]}, rank.device);
    for (int i = 0; i < kTries; ++i) {
      rank.group.barrier();
      const Stopwatch watch;
      model.probabilities(windows, setup.task.test_time_flip).sum().item<float>();  // waits for the device
      if (rank.is_first()) {
        seconds = watch.seconds();
      }
    }
    if (rank.is_first()) {
      ranks = rank.world_size;
    }
  });
  double batches = 0;
  for (const data::VolumePair& volume : volumes) {
    const auto windows = static_cast<double>(sliding_over(volume.image, options).window_count());
    batches += std::ceil(windows / (ranks * static_cast<double>(options.batch_size)));
  }
  return kPlay * seconds * batches;
}

void write_masks(const SurfaceSetup& setup, const std::filesystem::path& run, const train::TrainOptions& machine,
                 std::span<const data::VolumePair> volumes, const tasks::surface::Postprocessing& how,
                 const std::filesystem::path& folder) {
  make_directories(folder);
  std::size_t done = 0;
  answer(setup, run, machine, volumes, [&](Answer&& answered) {
    tasks::surface::to_mask(answered.levels, answered.shape, how);
    media::write_tiff(tasks::surface::prediction_of(folder, answered.volume.id), answered.levels, answered.shape);
    log::info(text("predicted ", answered.volume.id, ", ", ++done, " of ", volumes.size()));
  });
}

std::vector<std::uint8_t> read_labels(const std::filesystem::path& file, media::VolumeShape& shape) {
  const data::SliceFile volume(media::TiffVolume(file), media::VoxelType::kUInt8);
  shape = volume.file().shape();
  std::vector<std::uint8_t> labels(static_cast<std::size_t>(shape.voxels()));
  volume.read(0, std::as_writable_bytes(std::span(labels)));
  return labels;
}

}  // namespace lockstep::cli
