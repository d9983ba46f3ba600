#include "lockstep/tasks/fewshot/task.h"

#include <algorithm>

#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/data/box_folders.h"
#include "lockstep/data/class_split.h"
#include "lockstep/data/episode_images.h"
#include "lockstep/tasks/fewshot/evaluation.h"
#include "lockstep/tasks/fewshot/model.h"

namespace lockstep::tasks::fewshot {
namespace {

/// Of the evaluation's episodes, which are the same in every run.
constexpr std::uint64_t kEvaluationSeed = 0;

data::EpisodeDatasetOptions dataset_options(const Options& options, const std::vector<std::size_t>& classes) {
  data::EpisodeDatasetOptions dataset;
  dataset.episode = options.episodes_of(classes.size());
  dataset.support_size = static_cast<int>(options.support_size);
  dataset.image_size = static_cast<int>(options.image_size);
  return dataset;
}

std::vector<bool> marked(const std::vector<std::size_t>& classes, std::size_t of) {
  std::vector<bool> marks(of, false);
  for (const std::size_t number : classes) {
    marks[number] = true;
  }
  return marks;
}

void say_where_cut(const char* what, std::int64_t asked, std::size_t there) {
  if (static_cast<std::size_t>(asked) > there) {
    log::warn(text("there are ", there, " ", what, " classes: their episodes have ", there, " and not --n-way ", asked,
                   " of them"));
  }
}

}  // namespace

FewShotTask::FewShotTask(const Options& options) : options_(options) {
  options_.validate();
  const data::BoxSet set = data::read_box_set(options_.dataset_path);
  classes_ = set.classes;
  const data::ClassSplit split = data::split_classes(set, options_.class_split());
  log::info(text(options_.dataset_path.string(), ": ", set.layout, "; ", split.describe(classes_)));
  say_where_cut("base", options_.n_way, split.base.size());
  say_where_cut("novel", options_.n_way, split.novel.size());

  data::EpisodeDatasetOptions training = dataset_options(options_, split.base);
  training.episodes = static_cast<std::size_t>(options_.episodes_per_epoch);
  training.augment = options_.augment;
  training.ignored_classes = marked(split.novel, classes_.size());
  data::EpisodeDatasetOptions evaluation = dataset_options(options_, split.novel);
  evaluation.episodes = static_cast<std::size_t>(options_.evaluation_episodes);
  evaluation.fixed_seed = kEvaluationSeed;

  data::EpisodeImages images =
      data::share_images(set, split.novel, {.images_per_class = data::images_needed(evaluation.episode)});
  log::info(images.words);
  training_set_ = std::make_unique<data::EpisodeDataset>(std::move(images.training), classes_, split.base, training,
                                                         "the training images");
  evaluation_set_ = std::make_unique<data::EpisodeDataset>(std::move(images.evaluation), classes_, split.novel,
                                                           evaluation, "the evaluation images");
}

/// Smaller queries, down to half the side: the work goes with the area of all pictures of an episode.
std::vector<Alternative> FewShotTask::cheaper_alternatives() const {
  constexpr std::int64_t kStep = 32;
  const std::int64_t supports = options_.k_shot * options_.support_size * options_.support_size;
  const auto work = [&](std::int64_t side) {
    return static_cast<double>(supports + options_.queries_per_class * side * side);
  };
  std::vector<Alternative> alternatives;
  const std::int64_t smallest = std::max(kStep, options_.image_size / 2);
  for (std::int64_t side = options_.image_size - kStep; side >= smallest; side -= kStep) {
    alternatives.push_back({text("--img-size ", side), work(side) / work(options_.image_size)});
  }
  return alternatives;
}

std::unique_ptr<Model> FewShotTask::make_model(std::optional<std::uint64_t> seed) const {
  return std::make_unique<FewShotModel>(options_, classes_, seed);
}

std::map<std::string, double> FewShotTask::summarise(std::span<const Record> records) const {
  return summarise_episodes(records, classes_);
}

}  // namespace lockstep::tasks::fewshot
