#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lockstep/cli/options.h"

namespace lockstep::cli {

/// Metrics by what they are of: "network", a baseline, a volume. All have the same ones.
using Measured = std::vector<std::pair<std::string, std::map<std::string, double>>>;

/// What `evaluate` of every task checks at its start. --predictions and `truths`, the flag of the folder of what is
/// true, belong together, and go beside no option but those of `beside_predictions`: the others are for the network of
/// a run.
/// --output must be a file that can be written. Throws UsageError and MachineError.
void check_evaluation(const OptionTable& table, const std::string& truths,
                      const std::vector<std::string>& beside_predictions);

/// Prints them as a table, a column each, and writes them to a file, too (JSON), where its name is not empty.
void report(const Measured& measured, const std::filesystem::path& file);

}  // namespace lockstep::cli
