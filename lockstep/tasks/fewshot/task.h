#pragma once

#include <memory>

#include "lockstep/data/box_set.h"
#include "lockstep/data/episode_dataset.h"
#include "lockstep/tasks/fewshot/options.h"
#include "lockstep/tasks/task.h"

namespace lockstep::tasks::fewshot {

/// Detection of classes that are shown by a few examples. A sample is an episode: some classes with examples, and
/// pictures in which they are to be found. Training draws its episodes from the base classes, evaluation from the novel
/// ones, on other pictures.
class FewShotTask : public Task {
 public:
  /// Reads the annotations and plans the episodes. Throws DataError for a dataset that cannot be read or has too little
  /// of a class, UsageError for bad options.
  explicit FewShotTask(const Options& options);

  std::string name() const override { return "fewshot"; }
  SampleUnit unit() const override { return {.name = "episodes", .time = "min", .seconds = 60}; }
  const data::Dataset& training_set() const override { return *training_set_; }
  const data::Dataset& evaluation_set() const override { return *evaluation_set_; }

  /// The same, as what it is.
  const data::EpisodeDataset& evaluation_episodes() const { return *evaluation_set_; }

  const std::vector<std::string>& class_names() const { return classes_; }

  std::vector<Alternative> cheaper_alternatives() const override;
  std::unique_ptr<Model> make_model(std::optional<std::uint64_t> seed) const override;
  std::map<std::string, double> summarise(std::span<const Record> records) const override;
  std::string best_metric() const override { return "ap50"; }

 private:
  Options options_;
  std::vector<std::string> classes_;
  std::unique_ptr<data::EpisodeDataset> training_set_;
  std::unique_ptr<data::EpisodeDataset> evaluation_set_;
};

}  // namespace lockstep::tasks::fewshot
