#include <algorithm>
#include <mutex>
#include <optional>

#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/checkpoint/snapshot_folder.h"
#include "lockstep/cli/answer.h"
#include "lockstep/cli/fewshot.h"
#include "lockstep/cli/help.h"
#include "lockstep/cli/leave.h"
#include "lockstep/tasks/fewshot/illustration.h"
#include "lockstep/tasks/fewshot/predict.h"
#include "lockstep/train/all_devices.h"
#include "lockstep/train/sweep.h"
#include "lockstep/train/trained_model.h"

namespace lockstep::cli {
namespace {

using tasks::fewshot::PictureSearch;
using tasks::fewshot::ShownClass;

constexpr const char* kPredictFewShotDescription =
    "Finds what examples show (--support) in pictures (--query) with the best weights of a run: boxes in COCO's result "
    "format (predictions.json, with pictures.json for the ids), the pictures with boxes drawn on them "
    "(drawn/NAME.jpg), "
    "and a contact sheet.";

struct PredictFewShotArguments {
  std::filesystem::path run = "runs/fewshot";
  std::filesystem::path support;
  std::filesystem::path query;
  std::filesystem::path output;
  double threshold = 0.05;
  double drawn_threshold = tasks::fewshot::kDrawnScore;
  train::TrainOptions machine;

  PredictFewShotArguments() { machine.batch_size = 1; }

  OptionTable table() {
    OptionTable table;
    const std::string group = "Prediction";
    table.add("--checkpoint-dir", run, "The run whose best weights are used.", {.group = group, .placeholder = "DIR"});
    table.add("--support", support,
              "A folder with a folder of pictures (JPEG, PNG) for each class. The box of an example is all of its "
              "picture, or what NAME.xml (VOC) or a .json file (COCO) beside it says.",
              {.group = group, .placeholder = "DIR"});
    table.add("--query", query, "A picture, or a folder of pictures, to be searched.",
              {.group = group, .placeholder = "DIR"});
    table.add("--output", output, "Where to write; by default predictions/ in the run folder.",
              {.group = group, .placeholder = "DIR"});
    table.add("--threshold", threshold, "Leave out what has a lower score.",
              {.group = group, .minimum = inclusive(0), .maximum = inclusive(1)});
    table.add("--drawn-threshold", drawn_threshold, "The same for what is drawn.",
              {.group = group, .minimum = inclusive(0), .maximum = inclusive(1)});
    add_few_shot_machine(table, group, machine);
    return table;
  }
};

/// What the ranks have found so far.
struct Found {
  std::mutex mutex;
  std::vector<metrics::Detection> boxes;
  std::vector<std::pair<std::uint64_t, media::SheetRow>> rows;  ///< of the contact sheet, by picture
};

void search(const tasks::fewshot::Options& options, const PredictFewShotArguments& arguments,
            const std::vector<ShownClass>& classes, const tasks::fewshot::PictureSet& pictures,
            const tasks::fewshot::FoundWriter& writer, Found& found) {
  constexpr std::uint64_t kRows = 24;
  const std::filesystem::path weights = checkpoint::best_weights(arguments.run);
  train::on_all_devices(arguments.machine, {.leave = leave_at_once}, [&](parallel::Rank& rank, data::DecodePool& pool) {
    PictureSearch model(options);
    train::load_trained_weights(model, weights, rank.device);
    const train::SweepOptions sweeping{arguments.machine.batch_size,
                                       train::choose_precision(arguments.machine.precision, rank.device)};
    std::optional<models::Prototypes> prototypes;
    train::sweep(rank, pictures, model, pool, sweeping, [&](const tasks::DeviceBatch& batch) {
      if (!prototypes) {
        prototypes = model.look_at(classes, rank.device);
      }
      const std::vector<metrics::Detection> here = model.find(batch, pictures, *prototypes, arguments.threshold);
      for (const data::Draw& draw : batch.host.draws) {
        std::vector<metrics::Detection> of_picture;
        std::ranges::copy_if(here, std::back_inserter(of_picture), [&](const metrics::Detection& one) {
          return static_cast<std::uint64_t>(one.image) == draw.index;
        });
        media::SheetRow row = writer.draw(pictures.pictures()[draw.index], of_picture);
        const std::lock_guard lock(found.mutex);
        found.boxes.insert(found.boxes.end(), of_picture.begin(), of_picture.end());
        if (draw.index < kRows) {
          found.rows.emplace_back(draw.index, std::move(row));
        }
      }
    });
  });
  std::ranges::stable_sort(found.boxes, {}, &metrics::Detection::image);
  std::ranges::sort(found.rows, {}, &std::pair<std::uint64_t, media::SheetRow>::first);
}

void check_given(const PredictFewShotArguments& arguments) {
  if (arguments.support.empty()) {
    throw UsageError("--support is missing", "give a folder with a folder of examples for each class");
  }
  if (arguments.query.empty()) {
    throw UsageError("--query is missing", "give a picture or a folder of pictures");
  }
}

}  // namespace

std::string predict_few_shot_flags() {
  PredictFewShotArguments arguments;
  return to_markdown(arguments.table());
}

ExitCode predict_few_shot(const std::string& command, const std::vector<std::string>& words) {
  PredictFewShotArguments arguments;
  const OptionTable table = arguments.table();
  if (parse_or_answer(table, words, command, kPredictFewShotDescription)) {
    return ExitCode::kFinished;
  }
  check_given(arguments);
  FewShotSetup setup;
  read_recipe_of_run(setup, arguments.run, kTrainFewShot);
  const std::vector<ShownClass> classes = tasks::fewshot::read_examples(arguments.support);
  const tasks::fewshot::PictureSet pictures(tasks::fewshot::read_pictures(arguments.query),
                                            static_cast<int>(setup.task.image_size));
  const std::filesystem::path output = arguments.output.empty() ? arguments.run / "predictions" : arguments.output;
  const tasks::fewshot::FoundWriter writer(output, classes, arguments.drawn_threshold);
  Found found;
  search(setup.task, arguments, classes, pictures, writer, found);
  writer.write_predictions(pictures.pictures(), found.boxes);
  std::vector<media::SheetRow> sheet;
  for (auto& [index, row] : found.rows) {
    sheet.push_back(std::move(row));
  }
  writer.write_contact_sheet(sheet);
  log::info(text(found.boxes.size(), found.boxes.size() == 1 ? " box of " : " boxes of ", classes.size(),
                 classes.size() == 1 ? " class" : " classes", " on ", pictures.size(),
                 pictures.size() == 1 ? " picture" : " pictures", " in ", writer.predictions().string(), "; look at ",
                 writer.contact_sheet().string()));
  return ExitCode::kFinished;
}

}  // namespace lockstep::cli
