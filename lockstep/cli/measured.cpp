#include "lockstep/cli/measured.h"

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "lockstep/base/files.h"

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

void report(const Measured& measured, const std::filesystem::path& file) {
  print(measured);
  if (!file.empty()) {
    const nlohmann::json json(std::map(measured.begin(), measured.end()));
    write_file_atomically(file, json.dump(2) + "\n");
  }
}

}  // namespace lockstep::cli
