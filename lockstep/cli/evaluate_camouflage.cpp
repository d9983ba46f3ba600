#include <optional>

#include "lockstep/checkpoint/snapshot_folder.h"
#include "lockstep/cli/answer.h"
#include "lockstep/cli/camouflage.h"
#include "lockstep/cli/help.h"
#include "lockstep/cli/leave.h"
#include "lockstep/cli/measured.h"
#include "lockstep/tasks/camouflage/baselines.h"
#include "lockstep/tasks/camouflage/score_folder.h"
#include "lockstep/tasks/camouflage/task.h"
#include "lockstep/train/all_devices.h"
#include "lockstep/train/evaluation.h"
#include "lockstep/train/trained_model.h"

namespace lockstep::cli {
namespace {

constexpr const char* kEvaluateDescription =
    "Measures the best weights of a run on the test images of its dataset (--checkpoint-dir), or masks that any "
    "program has written (--predictions and --masks), by the metrics of the field.";

struct EvaluateArguments {
  std::filesystem::path run = "runs/camouflage";
  std::filesystem::path dataset_path;
  std::filesystem::path predictions;
  std::filesystem::path masks;
  std::filesystem::path output;
  bool baselines = false;
  std::optional<bool> test_time_flip;
  train::TrainOptions machine;

  OptionTable table() {
    OptionTable table;
    const std::string group = "Evaluation";
    table.add("--checkpoint-dir", run, "The run whose best weights are measured.",
              {.group = group, .placeholder = "DIR"});
    table.add("--dataset-path", dataset_path, "Another dataset than that of the run.",
              {.group = group, .placeholder = "DIR"});
    table.add("--predictions", predictions, "Masks to be measured instead: grey images, named as the true ones.",
              {.group = group, .placeholder = "DIR"});
    table.add("--masks", masks, "The true masks for --predictions.", {.group = group, .placeholder = "DIR"});
    table.add("--baselines", baselines, "Also measure answers that do not look at the image.", {.group = group});
    table.add("--output", output, "Write the metrics to this file, too (JSON).",
              {.group = group, .placeholder = "FILE"});
    add_answer_options(table, group, test_time_flip, machine);
    return table;
  }
};

std::map<std::string, double> measure_network(const tasks::Task& task, const EvaluateArguments& arguments) {
  const std::filesystem::path weights = checkpoint::best_weights(arguments.run);
  std::map<std::string, double> metrics;
  train::on_all_devices(arguments.machine, {.leave = leave_at_once}, [&](parallel::Rank& rank, data::DecodePool& pool) {
    const auto model = train::load_trained(task, weights, rank.device);
    const auto measured = train::evaluate(rank, task, *model, pool, arguments.machine.batch_size,
                                          train::choose_precision(arguments.machine.precision, rank.device));
    if (rank.is_first()) {
      metrics = measured;
    }
  });
  return metrics;
}

Measured measure_run(const EvaluateArguments& arguments) {
  CamouflageSetup setup;
  read_recipe_of_run(setup, arguments.run, kTrainCamouflage);
  if (!arguments.dataset_path.empty()) {
    setup.task.dataset_path = arguments.dataset_path;
    setup.task.hold_out = false;
  }
  setup.task.augment = false;
  setup.task.cache = {};  // each image is looked at once, and without augmentation its pixels are the same
  setup.task.test_time_flip = arguments.test_time_flip.value_or(setup.task.test_time_flip);
  const tasks::camouflage::CamouflageTask task(setup.task);
  Measured measured{{"network", measure_network(task, arguments)}};
  if (arguments.baselines) {
    for (auto& baseline : tasks::camouflage::measure_baselines(task.training_set(), task.evaluation_set())) {
      measured.emplace_back(std::move(baseline.name), std::move(baseline.metrics));
    }
  }
  return measured;
}

}  // namespace

std::string evaluate_camouflage_flags() {
  EvaluateArguments arguments;
  return to_markdown(arguments.table());
}

ExitCode evaluate_camouflage(const std::string& command, const std::vector<std::string>& words) {
  EvaluateArguments arguments;
  const OptionTable table = arguments.table();
  if (parse_or_answer(table, words, command, kEvaluateDescription)) {
    return ExitCode::kFinished;
  }
  check_evaluation(table, "--masks", {});
  const Measured measured =
      arguments.predictions.empty()
          ? measure_run(arguments)
          : Measured{{"predictions", tasks::camouflage::score_folder(arguments.predictions, arguments.masks)}};
  report(measured, arguments.output);
  return ExitCode::kFinished;
}

}  // namespace lockstep::cli
