#include <algorithm>
#include <mutex>
#include <optional>

#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/checkpoint/snapshot_folder.h"
#include "lockstep/cli/answer.h"
#include "lockstep/cli/camouflage.h"
#include "lockstep/cli/help.h"
#include "lockstep/cli/leave.h"
#include "lockstep/tasks/camouflage/folders.h"
#include "lockstep/tasks/camouflage/predict.h"
#include "lockstep/tasks/camouflage/task.h"
#include "lockstep/train/all_devices.h"
#include "lockstep/train/sweep.h"
#include "lockstep/train/trained_model.h"

namespace lockstep::cli {
namespace {

constexpr const char* kPredictDescription =
    "Writes a mask for each image at the image's own size (masks/NAME.png), the same laid over the image "
    "(overlays/NAME.jpg), and a contact sheet, with the best weights of a run.";

struct PredictArguments {
  std::filesystem::path run = "runs/camouflage";
  std::filesystem::path input;
  std::filesystem::path output;
  std::optional<bool> test_time_flip;
  train::TrainOptions machine;

  OptionTable table() {
    OptionTable table;
    const std::string group = "Prediction";
    table.add("--checkpoint-dir", run, "The run whose best weights are used.", {.group = group, .placeholder = "DIR"});
    table.add("--input", input, "An image, or a folder of images (JPEG, PNG).", {.group = group});
    table.add("--output", output, "Where to write; by default predictions/ in the run folder.",
              {.group = group, .placeholder = "DIR"});
    add_answer_options(table, group, test_time_flip, machine);
    return table;
  }
};

/// A row of the contact sheet and the image that it is of.
struct PlacedRow {
  std::uint64_t index = 0;
  media::SheetRow row;
};

std::vector<PlacedRow> predict(const tasks::camouflage::Options& options, const PredictArguments& arguments,
                               const std::vector<data::ImageMaskPair>& images,
                               const tasks::camouflage::PredictionWriter& writer) {
  constexpr std::uint64_t kRows = 24;
  data::ImageMaskOptions loading;
  loading.image_size = static_cast<int>(options.image_size);
  const data::ImageMaskDataset dataset(images, loading);
  const std::filesystem::path weights = checkpoint::best_weights(arguments.run);
  std::mutex mutex;
  std::vector<PlacedRow> rows;
  train::on_all_devices(arguments.machine, {.leave = leave_at_once}, [&](parallel::Rank& rank, data::DecodePool& pool) {
    tasks::camouflage::CamouflageModel model(options, /*seed=*/std::nullopt);
    train::load_trained_weights(model, weights, rank.device);
    const train::SweepOptions sweeping{arguments.machine.batch_size,
                                       train::choose_precision(arguments.machine.precision, rank.device)};
    train::sweep(rank, dataset, model, pool, sweeping, [&](const tasks::DeviceBatch& batch) {
      const at::Tensor probabilities = model.probabilities(batch);
      for (std::size_t i = 0; i < batch.host.size(); ++i) {
        const std::uint64_t index = batch.host.draws[i].index;
        media::SheetRow row = writer.write(images[index].image, probabilities[static_cast<std::int64_t>(i)]);
        if (index < kRows) {
          const std::lock_guard lock(mutex);
          rows.push_back({index, std::move(row)});
        }
      }
    });
  });
  std::ranges::sort(rows, {}, &PlacedRow::index);
  return rows;
}

}  // namespace

std::string predict_camouflage_flags() {
  PredictArguments arguments;
  return to_markdown(arguments.table());
}

ExitCode predict_camouflage(const std::string& command, const std::vector<std::string>& words) {
  PredictArguments arguments;
  const OptionTable table = arguments.table();
  if (parse_or_answer(table, words, command, kPredictDescription)) {
    return ExitCode::kFinished;
  }
  if (arguments.input.empty()) {
    throw UsageError("--input is missing", "give an image or a folder of images");
  }
  CamouflageSetup setup;
  read_recipe_of_run(setup, arguments.run, kTrainCamouflage);
  setup.task.test_time_flip = arguments.test_time_flip.value_or(setup.task.test_time_flip);
  const auto images = tasks::camouflage::find_images(arguments.input);
  const std::filesystem::path output = arguments.output.empty() ? arguments.run / "predictions" : arguments.output;
  const tasks::camouflage::PredictionWriter writer(output);
  std::vector<media::SheetRow> sheet;
  for (PlacedRow& placed : predict(setup.task, arguments, images, writer)) {
    sheet.push_back(std::move(placed.row));
  }
  writer.write_contact_sheet(sheet);
  log::info(text(images.size(), " masks are in ", (output / "masks").string(), ", overlays beside them; look at ",
                 writer.contact_sheet().string()));
  return ExitCode::kFinished;
}

}  // namespace lockstep::cli
