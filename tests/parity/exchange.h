#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "lockstep/tasks/task.h"
#include "tests/parity/cases.h"

namespace lockstep::parity {

using Weights = std::map<std::string, at::Tensor>;

/// What came of a training.
struct Outcome {
  std::vector<double> losses;          ///< by step, each before its update
  std::vector<double> gradient_norms;  ///< by step, before clipping
  std::vector<double> learning_rates;  ///< by step
  std::vector<double> metrics;         ///< by evaluation, of the averaged weights where there are such
  Weights weights;                     ///< after the last step
  Weights averages;                    ///< after the last step; empty without an average
};

/// The weights with which both sides start.
Weights first_weights(const Case& one, const tasks::Task& task);

/// Puts into a folder what reference.py needs to know of a case.
void write_case(const std::filesystem::path& folder, const Case& one, const tasks::Task& task);

/// What reference.py left in the folder.
Outcome read_reference(const std::filesystem::path& folder);

}  // namespace lockstep::parity
