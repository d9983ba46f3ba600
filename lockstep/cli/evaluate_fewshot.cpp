#include <functional>
#include <memory>
#include <optional>

#include "lockstep/checkpoint/snapshot_folder.h"
#include "lockstep/cli/answer.h"
#include "lockstep/cli/fewshot.h"
#include "lockstep/cli/help.h"
#include "lockstep/cli/leave.h"
#include "lockstep/cli/measured.h"
#include "lockstep/tasks/fewshot/baselines.h"
#include "lockstep/tasks/fewshot/task.h"
#include "lockstep/train/all_devices.h"
#include "lockstep/train/evaluation.h"
#include "lockstep/train/trained_model.h"

namespace lockstep::cli {
namespace {

constexpr const char* kEvaluateFewShotDescription =
    "Measures the best weights of a run on episodes of classes that it was not trained on, always the same ones: "
    "COCO's average precision, a mean over the episodes with its 95 % interval (_ci: half of its width).";

struct EvaluateFewShotArguments {
  std::filesystem::path run = "runs/fewshot";
  std::filesystem::path dataset_path;
  std::optional<std::string> novel_classes;
  std::optional<std::int64_t> episodes;
  std::filesystem::path output;
  bool baselines = false;
  train::TrainOptions machine;

  EvaluateFewShotArguments() { machine.batch_size = 1; }

  OptionTable table() {
    OptionTable table;
    const std::string group = "Evaluation";
    table.add("--checkpoint-dir", run, "The run whose best weights are measured.",
              {.group = group, .placeholder = "DIR"});
    table.add("--dataset-path", dataset_path, "Another dataset than that of the run.",
              {.group = group, .placeholder = "DIR"});
    table.add("--novel-classes", novel_classes,
              "Other classes to look for than those that the run was not shown, by name, with commas between.",
              {.group = group, .placeholder = "NAMES"});
    table.add("--evaluation-episodes", episodes, "How many episodes; by default as many as the run has had.",
              {.group = group, .minimum = inclusive(1), .maximum = inclusive(1e9)});
    table.add("--baselines", baselines,
              "Also measure the network before training, and its proposals matched by features of a backbone before "
              "training.",
              {.group = group});
    table.add("--output", output, "Write the metrics to this file, too (JSON).",
              {.group = group, .placeholder = "FILE"});
    add_few_shot_machine(table, group, machine);
    return table;
  }
};

/// `make` gives each rank the model that is measured, on its device.
using MakeModel = std::function<std::unique_ptr<tasks::Model>(c10::Device device)>;

std::map<std::string, double> measure_episodes(const tasks::Task& task, const train::TrainOptions& machine,
                                               const MakeModel& make) {
  std::map<std::string, double> metrics;
  train::on_all_devices(machine, {.leave = leave_at_once}, [&](parallel::Rank& rank, data::DecodePool& pool) {
    const std::unique_ptr<tasks::Model> model = make(rank.device);
    const auto measured = train::evaluate(rank, task, *model, pool, machine.batch_size,
                                          train::choose_precision(machine.precision, rank.device));
    if (rank.is_first()) {
      metrics = measured;
    }
  });
  return metrics;
}

FewShotSetup few_shot_setup_of_run(const EvaluateFewShotArguments& arguments) {
  FewShotSetup setup;
  read_recipe_of_run(setup, arguments.run, kTrainFewShot);
  if (!arguments.dataset_path.empty()) {
    setup.task.dataset_path = arguments.dataset_path;
  }
  if (arguments.novel_classes) {
    setup.task.novel_classes = *arguments.novel_classes;
    setup.task.novel_fraction.reset();
  }
  setup.task.evaluation_episodes = arguments.episodes.value_or(setup.task.evaluation_episodes);
  return setup;
}

Measured measure_few_shot_run(const EvaluateFewShotArguments& arguments) {
  const FewShotSetup setup = few_shot_setup_of_run(arguments);
  const std::filesystem::path weights = checkpoint::best_weights(arguments.run);
  const tasks::fewshot::FewShotTask task(setup.task);
  const auto measure = [&](const MakeModel& make) { return measure_episodes(task, arguments.machine, make); };
  Measured measured{
      {"network", measure([&](c10::Device device) { return train::load_trained(task, weights, device); })}};
  if (arguments.baselines) {
    measured.emplace_back("untrained", measure([&](c10::Device device) {
                            auto model = task.make_model(setup.train.seed);
                            model->network().to(device);
                            return model;
                          }));
    measured.emplace_back("random features", measure([&](c10::Device device) {
                            auto model = std::make_unique<tasks::fewshot::RandomFeatures>(
                                setup.task, task.class_names(), setup.train.seed);
                            train::load_trained_weights(*model, weights, device);
                            return model;
                          }));
  }
  return measured;
}

}  // namespace

std::string evaluate_few_shot_flags() {
  EvaluateFewShotArguments arguments;
  return to_markdown(arguments.table());
}

ExitCode evaluate_few_shot(const std::string& command, const std::vector<std::string>& words) {
  EvaluateFewShotArguments arguments;
  const OptionTable table = arguments.table();
  if (parse_or_answer(table, words, command, kEvaluateFewShotDescription)) {
    return ExitCode::kFinished;
  }
  report(measure_few_shot_run(arguments), arguments.output);
  return ExitCode::kFinished;
}

}  // namespace lockstep::cli
