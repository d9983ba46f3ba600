#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/data/class_split.h"
#include "lockstep/data/episode_plan.h"
#include "lockstep/models/few_shot_detector.h"
#include "lockstep/tasks/fewshot/loss.h"

namespace lockstep::tasks::fewshot {

/// What is to be found by a few examples, and by which network.
struct Options {
  std::filesystem::path dataset_path;
  std::string novel_classes;             ///< names with commas between: what training does not show; empty: drawn
  std::optional<double> novel_fraction;  ///< share of the classes that is drawn; a third
  std::uint64_t class_seed = 0;          ///< which are drawn

  std::int64_t n_way = 5;              ///< classes an episode
  std::int64_t k_shot = 3;             ///< examples of each
  std::int64_t queries_per_class = 1;  ///< pictures to search, for each class
  std::int64_t episodes_per_epoch = 100;
  std::int64_t evaluation_episodes = 100;

  std::int64_t image_size = 384;    ///< side of the square that a query fills, in pixels; a multiple of 32
  std::int64_t support_size = 128;  ///< of an example with what is around it; a multiple of 32
  bool augment = true;              ///< crop, flip and colour training pictures at random

  LossWeights loss;
  models::FewShotDetectorOptions network;

  /// Which classes are kept from training.
  data::ClassSplitOptions class_split() const;

  /// Episodes of so many classes, of which there may be fewer than n_way.
  data::EpisodeOptions episodes_of(std::size_t classes) const;

  /// Throws UsageError, naming the flag.
  void validate() const;
};

}  // namespace lockstep::tasks::fewshot
