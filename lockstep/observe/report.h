#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "lockstep/base/sample_unit.h"
#include "lockstep/observe/run_history.h"

namespace lockstep::observe {

/// The name of the report in a run folder.
inline constexpr const char* kReportFile = "report.html";

/// A picture that shows what the network makes of one sample.
struct ReportExample {
  std::string caption;
  std::vector<std::byte> png;  ///< the bytes of a PNG file
};

/// What the run's log does not say.
struct ReportContent {
  std::string title;
  std::string best_metric;  ///< the metric by which the task chooses the best weights; more is better
  std::string split;        ///< the split in which it is measured
  std::vector<ReportExample> examples;
  SampleUnit unit{};
};

/// The report of a run as one page of HTML that needs nothing beside it: outcome, curves, where the time went, metrics,
/// examples, recipe and events.
std::string render_report(const RunHistory& history, const ReportContent& content);

/// Reads the log in the run folder and writes the report beside it. Throws DataError where there is no log,
/// MachineError where the report cannot be written.
void write_report(const std::filesystem::path& run_folder, const ReportContent& content);

}  // namespace lockstep::observe
