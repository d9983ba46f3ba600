#include "lockstep/tune/core/findings.h"

#include <algorithm>

namespace lockstep::tune {

double rank_rate(const Findings& findings) { return findings.setting.samples_per_step / findings.step.seconds; }

double share_of(const Findings& findings, const std::string& work) {
  const auto found = findings.load_shares.find(work);
  return found == findings.load_shares.end() ? 0 : found->second;
}

std::optional<SlowRank> find_slow_rank(const Findings& findings) {
  constexpr double kSlower = 1.2;
  std::vector<double> others = findings.seconds_alone;
  if (others.size() < 2) {
    return std::nullopt;
  }
  const auto slowest = std::ranges::max_element(others);
  SlowRank slow{static_cast<std::size_t>(slowest - others.begin()), *slowest, 0};
  others.erase(slowest);
  slow.seconds_others = std::ranges::max(others);
  return slow.seconds < kSlower * slow.seconds_others ? std::nullopt : std::optional(slow);
}

}  // namespace lockstep::tune
