#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/observe/step_timer.h"

namespace lockstep::train {

/// How the first epoch that this process trained went.
struct FirstEpoch {
  std::int64_t epoch = 0;
  double utilisation = 0;          ///< sum over steps and ranks
  std::int64_t count = 0;          ///< of them
  observe::PartSeconds seconds{};  ///< of the first rank
};

/// Whether the ranks were kept busy, and what to change where they were not, in words.
std::string verdict_on(const FirstEpoch& first);

/// Says once, when the first epoch is over, how it went.
class FirstEpochWatch {
 public:
  /// A step of that epoch: the utilisation of each rank, and where the first one's time went.
  void add(std::int64_t epoch, const std::vector<double>& utilisation, const observe::PartSeconds& seconds);

 private:
  std::optional<FirstEpoch> first_;
};

}  // namespace lockstep::train
