#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "lockstep/metrics/average_precision.h"
#include "lockstep/tasks/task.h"

namespace lockstep::tasks::fewshot {

/// What was to be found in an episode, and what was found. Images are the queries of the episode, categories its ways.
struct EpisodeResult {
  std::vector<std::size_t> classes;       ///< of each way, by their numbers in the set
  std::vector<metrics::Detection> found;  ///< in the order in which they count where scores are equal
  std::vector<metrics::TrueBox> truth;
};

/// As numbers, and back.
Record to_record(const EpisodeResult& result);
EpisodeResult from_record(const Record& record);

/// COCO's average precision of each episode on its own, then over all episodes: "ap50", "ap75" and "ap" are means,
/// "ap50_ci", … the half widths of their 95 % intervals. "ap50 rook": the mean of the class over the episodes that
/// look for it. `names`: of all classes of the set.
std::map<std::string, double> summarise_episodes(std::span<const Record> records,
                                                 const std::vector<std::string>& names);

}  // namespace lockstep::tasks::fewshot
