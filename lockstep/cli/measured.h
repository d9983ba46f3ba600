#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace lockstep::cli {

/// Metrics by what they are of: "network", a baseline, a volume. All have the same ones.
using Measured = std::vector<std::pair<std::string, std::map<std::string, double>>>;

/// Prints them as a table, a column each, and writes them to a file, too (JSON), where its name is not empty.
void report(const Measured& measured, const std::filesystem::path& file);

}  // namespace lockstep::cli
