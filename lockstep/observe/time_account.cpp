#include "lockstep/observe/time_account.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "lockstep/base/text.h"

namespace lockstep::observe {

const char* words_for(Part part) {
  switch (part) {
    case Part::kWait:
      return "wait for data";
    case Part::kReduce:
      return "reduction and wait for ranks";
    case Part::kEvaluate:
      return "evaluation";
    default:
      return name_of(part);
  }
}

std::string describe_shares(const PartSeconds& seconds) {
  const double all = seconds.sum();
  std::vector<std::pair<long, Part>> shares;
  for (std::size_t i = 0; i < kParts; ++i) {
    const Part part = static_cast<Part>(i);
    const long percent = all > 0 ? std::lround(100 * seconds[part] / all) : 0;
    if (percent > 0) {
      shares.emplace_back(percent, part);
    }
  }
  std::ranges::stable_sort(shares, std::ranges::greater(), &std::pair<long, Part>::first);
  std::string words;
  for (const auto& [percent, part] : shares) {
    words += text(words.empty() ? "" : ", ", words_for(part), " ", percent, " %");
  }
  return words;
}

std::size_t pace_setter(const std::vector<PartSeconds>& of_ranks) {
  const auto waited = [](const PartSeconds& seconds) { return seconds[Part::kReduce]; };
  return static_cast<std::size_t>(std::ranges::min_element(of_ranks, {}, waited) - of_ranks.begin());
}

std::string describe_epoch(std::int64_t epoch, double wall_seconds, const std::vector<PartSeconds>& of_ranks) {
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.1f s", wall_seconds);
  const std::size_t rank = pace_setter(of_ranks);
  return text("epoch ", epoch, ": ", seconds, ": ", describe_shares(of_ranks[rank]),
              of_ranks.size() > 1 ? text("; of rank ", rank, ", which waited least for the others") : "");
}

}  // namespace lockstep::observe
