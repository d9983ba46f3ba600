#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "lockstep/observe/run_history.h"

namespace lockstep::observe {

/// The figures of a run that its report opens with.
struct ReportSummary {
  std::string outcome =
      "open";          ///< "finished", "stopped", "failed", or "open" where the run has not ended since its last start
  std::string reason;  ///< as the run gave it when it ended
  std::int64_t epochs = 0;
  std::int64_t step = 0;  ///< the last one
  int world_size = 1;
  std::int64_t global_batch = 0;
  nlohmann::json recipe;
  double samples_per_second = 0;  ///< in the median step, without evaluation and checkpoint; NaN without steps
  std::vector<std::pair<std::string, double>> seconds_by_part;  ///< of the mean step, in the order of the parts
  const EvaluateEvent* last = nullptr;                          ///< of the split that decides; null where there is none
  const EvaluateEvent* best = nullptr;                          ///< by the metric that decides
};

/// `history` must outlive the summary.
ReportSummary summarize(const RunHistory& history, const std::string& best_metric, const std::string& split);

}  // namespace lockstep::observe
