#include "lockstep/cli/fewshot.h"

#include <algorithm>

#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/cli/train_options.h"
#include "lockstep/models/edgenext.h"
#include "lockstep/tasks/fewshot/task.h"

namespace lockstep::cli {
namespace {

constexpr double kMostEpisodes = 1e9;

std::vector<std::string> few_shot_backbones() {
  std::vector<std::string> names;
  for (const models::EdgeNeXtVariant& variant : models::edgenext_variants()) {
    names.push_back(variant.name);
  }
  return names;
}

OptionTraits count_of(const std::string& group, double most = data::kMostOfEpisode) {
  return {.group = group, .minimum = inclusive(1), .maximum = inclusive(most)};
}

void add_class_options(OptionTable& table, tasks::fewshot::Options& task) {
  const std::string group = "Classes";
  table.add("--novel-classes", task.novel_classes,
            "Classes that training does not show and evaluation looks for, by name, with commas between. Empty: drawn.",
            {.group = group, .placeholder = "NAMES"});
  table.add("--novel-fraction", task.novel_fraction, "Share of the classes that is drawn for that (default: a third).",
            {.group = group, .minimum = exclusive(0), .maximum = exclusive(1)});
  table.add("--class-seed", task.class_seed, "Which classes are drawn.", {.group = group, .minimum = inclusive(0)});
}

void add_episode_options(OptionTable& table, FewShotSetup& setup) {
  const std::string group = "Episodes";
  tasks::fewshot::Options& task = setup.task;
  table.add("--n-way", task.n_way, "Classes an episode; fewer where there are not so many.", count_of(group));
  table.add("--k-shot", task.k_shot, "Examples of each class.", count_of(group));
  table.add("--queries-per-class", task.queries_per_class, "Pictures to search, for each class of an episode.",
            count_of(group));
  table.add("--num-episodes", setup.num_episodes, "Episodes to train on in all, over all GPUs.",
            count_of(group, kMostEpisodes));
  table.add("--episodes-per-epoch", task.episodes_per_epoch, "Episodes between evaluations (see --evaluate-every).",
            count_of(group, kMostEpisodes));
  table.add("--evaluation-episodes", task.evaluation_episodes,
            "Episodes of an evaluation, the same ones each time and in each run.", count_of(group, kMostEpisodes));
}

void add_network_options_of_few_shot(OptionTable& table, tasks::fewshot::Options& task) {
  const std::string group = "Network";
  table.add("--backbone", task.network.backbone, "The EdgeNeXt that looks at the pictures.",
            {.group = group, .placeholder = "NAME", .allowed = few_shot_backbones()});
  table.add("--width", task.network.width, "Channels of the pyramid and of the prototypes; a multiple of 8.",
            {.group = group, .minimum = inclusive(8), .maximum = inclusive(1024)});
  table.add("--max-proposals", task.network.max_proposals,
            "Places of a query, at most, that are compared with the examples.", count_of(group, 1e5));
  table.add("--support-chunk", task.network.support_chunk,
            "Examples that go through the network at a time, the others after them: less memory in evaluation and "
            "prediction (in training what backward needs is kept of all), the same answers up to rounding; 0: all.",
            {.group = group,
             .minimum = inclusive(0),
             .maximum = inclusive(static_cast<double>(data::kMostOfEpisode)),
             .affects_result = false,
             .on_resume = "numbers agree up to rounding"});
  table.add("--gradient-checkpointing", task.network.gradient_checkpointing,
            "Compute activations anew in the backward pass instead of keeping them: less memory, more time, the same "
            "gradients up to rounding.",
            {.group = group, .affects_result = false, .on_resume = "numbers agree up to rounding"});
}

void add_loss_options_of_few_shot(OptionTable& table, tasks::fewshot::LossWeights& loss) {
  const OptionTraits weight{.group = "Loss", .minimum = inclusive(0)};
  table.add("--objectness-weight", loss.objectness, "Weight of knowing where objects of any class are.", weight);
  table.add("--box-weight", loss.boxes, "Weight of the boxes around them.", weight);
  table.add("--matching-weight", loss.matching, "Weight of telling which class of the episode an object is of.",
            weight);
  table.add("--refinement-weight", loss.refinement, "Weight of the boxes once the class is known.", weight);
}

}  // namespace

FewShotSetup::FewShotSetup() {
  train.checkpoint_dir = "runs/fewshot";
  train.batch_size = 2;
  train.schedule.learning_rate = 4e-4;
}

OptionTable FewShotSetup::table() {
  OptionTable table;
  const std::string data = "Data";
  table.add("--dataset-path", task.dataset_path,
            "Images with boxes: COCO's JSON or VOC's XML, in train, valid, test or all together (see 'lockstep data "
            "check').",
            {.group = data,
             .placeholder = "DIR",
             .affects_result = false,
             .on_resume = "the same images and boxes must be there"});
  table.add("--img-size", task.image_size, "Side of the square that a query fills, in pixels; a multiple of 32.",
            {.group = data, .minimum = inclusive(32), .maximum = inclusive(8192)});
  table.add("--support-size", task.support_size,
            "Side of an example with what is around it, in pixels; a multiple of 32.",
            {.group = data, .minimum = inclusive(32), .maximum = inclusive(8192)});
  table.add("--augment", task.augment, "Crop, flip and colour the training pictures at random.", {.group = data});
  add_class_options(table, task);
  add_episode_options(table, *this);
  add_network_options_of_few_shot(table, task);
  add_loss_options_of_few_shot(table, task.loss);
  add_train_options(table, train, &epochs);
  return table;
}

std::unique_ptr<tasks::Task> FewShotSetup::make_task(int /*local_processes*/) {
  task.episodes_per_epoch = std::min(task.episodes_per_epoch, num_episodes);
  const std::int64_t whole = (num_episodes + task.episodes_per_epoch - 1) / task.episodes_per_epoch;
  train.epochs = epochs.value_or(whole);
  if (!epochs && whole * task.episodes_per_epoch != num_episodes) {
    log::info(text("--num-episodes ", num_episodes, " is no multiple of --episodes-per-epoch: ", whole, " epochs of ",
                   task.episodes_per_epoch, " episodes are trained, ", whole * task.episodes_per_epoch, " in all"));
  }
  return std::make_unique<tasks::fewshot::FewShotTask>(task);
}

void add_few_shot_machine(OptionTable& table, const std::string& group, train::TrainOptions& machine) {
  table.add("--batch-size", machine.batch_size, "Episodes, or pictures, that a GPU (or CPU rank) takes at a time.",
            {.group = group, .minimum = inclusive(1)});
  add_machine_options(table, machine);
}

}  // namespace lockstep::cli
