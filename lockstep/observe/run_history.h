#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "lockstep/observe/events.h"

namespace lockstep::observe {

/// What a run's log says, with the steps that a resume did again counted once.
struct RunHistory {
  std::vector<StepEvent> steps;            ///< ascending by step
  std::vector<EvaluateEvent> evaluations;  ///< ascending by step; one a step and split
  std::vector<nlohmann::json> others;      ///< all other records, in the order of the log
  double seconds = 0;                      ///< time that the run worked, without the pauses before resumes
};

/// The records of a log in their order. Lines that were torn, or are no records, are left out. Throws DataError where
/// the file cannot be read.
std::vector<nlohmann::json> read_run_log(const std::filesystem::path& path);

/// The history of a run. The last record of a step wins; what lies beyond the step from which a later run started was
/// given up by that run, and is left out.
RunHistory read_run_history(const std::filesystem::path& path);

}  // namespace lockstep::observe
