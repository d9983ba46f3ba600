#include <algorithm>

#include "lockstep/base/text.h"
#include "lockstep/cli/answer.h"
#include "lockstep/cli/help.h"
#include "lockstep/cli/measured.h"
#include "lockstep/cli/surface.h"
#include "lockstep/cli/surface_answers.h"
#include "lockstep/metrics/volume_scores.h"
#include "lockstep/parallel/devices.h"
#include "lockstep/tasks/surface/submission.h"
#include "lockstep/tasks/surface/task.h"

namespace lockstep::cli {
namespace {

constexpr const char* kEvaluateSurfaceDescription =
    "Measures the best weights of a run on whole volumes of its dataset (--checkpoint-dir), or masks that any program "
    "has written (--predictions and --labels), volume by volume.";

struct EvaluateSurfaceArguments {
  SurfaceAnswering answering;
  std::filesystem::path dataset_path;
  std::filesystem::path predictions;
  std::filesystem::path labels;
  std::filesystem::path output;
  bool topology = true;

  OptionTable table() {
    OptionTable table;
    const std::string group = "Evaluation";
    table.add("--dataset-path", dataset_path, "Another dataset than that of the run.",
              {.group = group, .placeholder = "DIR"});
    table.add("--predictions", predictions, "Masks to be measured instead: ID.tif, named as the labels.",
              {.group = group, .placeholder = "DIR"});
    table.add("--labels", labels, "The true labels for --predictions.", {.group = group, .placeholder = "DIR"});
    table.add("--topology", topology, "Match Betti numbers, too, which takes longer than all else.", {.group = group});
    table.add("--output", output, "Write the metrics to this file, too (JSON).",
              {.group = group, .placeholder = "FILE"});
    answering.add_to(table, group);
    return table;
  }
};

/// The scores of volumes, as they come in.
class Scores {
 public:
  explicit Scores(bool topology) : options_{.topology = topology, .threads = parallel::available_cores()} {}

  void add(const std::string& id, std::span<const std::uint8_t> mask, const media::VolumeShape& shape,
           const std::filesystem::path& label_file) {
    media::VolumeShape label_shape;
    const std::vector<std::uint8_t> labels = read_labels(label_file, label_shape);
    if (label_shape != shape) {
      throw DataError(text("the mask of ", id, " has another shape than '", label_file.string(), "'"),
                      "give masks of the labels' shapes");
    }
    const auto scores = metrics::score_volume(mask, labels, shape, options_);
    records_.push_back(metrics::volume_record(scores));
    of_volumes_.emplace_back(id, metrics::summarise_volumes(std::span(&records_.back(), 1)));
  }

  /// The mean of all volumes, then each.
  Measured measured() const {
    Measured all{{"mean", metrics::summarise_volumes(records_)}};
    all.insert(all.end(), of_volumes_.begin(), of_volumes_.end());
    return all;
  }

 private:
  metrics::VolumeScoreOptions options_;
  std::vector<std::vector<double>> records_;
  Measured of_volumes_;
};

Measured score_masks(const EvaluateSurfaceArguments& arguments) {
  Scores scores(arguments.topology);
  for (const data::VolumePair& labels : data::find_images_of_volumes(arguments.labels)) {
    media::VolumeShape shape;
    const std::filesystem::path file = tasks::surface::prediction_of(arguments.predictions, labels.id);
    const std::vector<std::uint8_t> mask = read_labels(file, shape);
    scores.add(labels.id, mask, shape, labels.image);
  }
  return scores.measured();
}

Measured score_run(const EvaluateSurfaceArguments& arguments) {
  const SurfaceAnswering& answering = arguments.answering;
  SurfaceSetup setup = answering.setup_of_run();
  if (!arguments.dataset_path.empty()) {
    setup.task.dataset_path = arguments.dataset_path;
    setup.task.held_out.clear();  // those are of the run's own dataset
  }
  const data::VolumeSplit split = tasks::surface::split_of(setup.task);
  const tasks::surface::Postprocessing how = answering.postprocessing();
  Scores scores(arguments.topology);
  answer(setup, answering.run, answering.machine, split.evaluation, [&](Answer&& answered) {
    tasks::surface::to_mask(answered.levels, answered.shape, how);
    scores.add(answered.volume.id, answered.levels, answered.shape, answered.volume.label);
  });
  return scores.measured();
}

}  // namespace

std::string evaluate_surface_flags() {
  EvaluateSurfaceArguments arguments;
  return to_markdown(arguments.table());
}

ExitCode evaluate_surface(const std::string& command, const std::vector<std::string>& words) {
  EvaluateSurfaceArguments arguments;
  const OptionTable table = arguments.table();
  if (parse_or_answer(table, words, command, kEvaluateSurfaceDescription)) {
    return ExitCode::kFinished;
  }
  check_evaluation(table, "--labels", {"--topology"});
  report(arguments.predictions.empty() ? score_run(arguments) : score_masks(arguments), arguments.output);
  return ExitCode::kFinished;
}

}  // namespace lockstep::cli
