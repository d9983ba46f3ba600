#include "lockstep/cli/measured.h"

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/text.h"
#include "lockstep/cli/writable.h"

namespace lockstep::cli {
namespace {

void print(const Measured& measured) {
  constexpr int kColumnWidth = 14;
  int name_width = kColumnWidth;
  for (const auto& [metric, unused] : measured.front().second) {
    name_width = std::max(name_width, static_cast<int>(metric.size()) + 1);
  }
  std::cout << std::left << std::setw(name_width) << "metric" << std::right;
  for (const auto& [name, metrics] : measured) {
    std::cout << std::setw(std::max(kColumnWidth, static_cast<int>(name.size()) + 1)) << name;
  }
  std::cout << "\n" << std::fixed << std::setprecision(4);
  for (const auto& [metric, unused] : measured.front().second) {
    std::cout << std::left << std::setw(name_width) << metric << std::right;
    for (const auto& [name, metrics] : measured) {
      std::cout << std::setw(std::max(kColumnWidth, static_cast<int>(name.size()) + 1)) << metrics.at(metric);
    }
    std::cout << "\n";
  }
}

}  // namespace

void check_evaluation(const OptionTable& table, const std::string& truths,
                      const std::vector<std::string>& beside_predictions) {
  const auto is_given = [](const Option& option) { return option.get() != option.initial; };
  const bool has_predictions = is_given(*table.find("--predictions"));
  if (has_predictions != is_given(*table.find(truths))) {
    throw UsageError(text("--predictions and ", truths, " belong together"), "give both folders, or neither");
  }
  for (const Option& option : table.options()) {
    const bool goes_along = option.flag == "--predictions" || option.flag == truths || option.flag == "--output" ||
                            std::ranges::find(beside_predictions, option.flag) != beside_predictions.end();
    if (has_predictions && !goes_along && is_given(option)) {
      throw UsageError(text(option.flag, " is for the network of a run"),
                       text("leave it out, or --predictions and ", truths));
    }
  }
  if (const auto output = std::get<std::string>(table.find("--output")->get()); !output.empty()) {
    require_writable(output);
  }
}

void report(const Measured& measured, const std::filesystem::path& file) {
  print(measured);
  if (!file.empty()) {
    const nlohmann::json json(std::map(measured.begin(), measured.end()));
    write_file_atomically(file, json.dump(2) + "\n");
  }
}

}  // namespace lockstep::cli
