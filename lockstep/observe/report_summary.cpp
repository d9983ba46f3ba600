#include "lockstep/observe/report_summary.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "lockstep/observe/step_timer.h"

namespace lockstep::observe {
namespace {

void read_starts_and_end(const RunHistory& history, ReportSummary& summary) {
  for (const nlohmann::json& record : history.others) {
    if (record.at("event") == StartEvent::kName) {
      summary.outcome = "open";
      summary.world_size = record.value("world_size", 1);
      summary.global_batch = record.value("global_batch", std::int64_t{0});
      summary.recipe = record.value("recipe", nlohmann::json());
    } else if (record.at("event") == EndEvent::kName) {
      summary.reason = record.value("reason", "");
      summary.outcome = "stopped";
      for (const char* outcome : {"finished", "failed"}) {
        if (summary.reason.starts_with(outcome)) {
          summary.outcome = outcome;
        }
      }
    }
  }
}

std::vector<std::pair<std::string, double>> mean_step(const std::vector<StepEvent>& steps) {
  std::map<std::string, double> sums;
  for (const StepEvent& step : steps) {
    for (const auto& [part, seconds] : step.seconds) {
      sums[part] += seconds;
    }
  }
  std::vector<std::pair<std::string, double>> means;
  for (std::size_t part = 0; part < kParts; ++part) {
    const auto sum = sums.find(name_of(static_cast<Part>(part)));
    if (sum != sums.end()) {
      means.emplace_back(sum->first, sum->second / static_cast<double>(steps.size()));
    }
  }
  return means;
}

double training_seconds(const StepEvent& step) {
  double seconds = 0;
  for (const auto& [part, part_seconds] : step.seconds) {
    if (part != name_of(Part::kEvaluate) && part != name_of(Part::kCheckpoint)) {
      seconds += part_seconds;
    }
  }
  return seconds;
}

double median_training_seconds(const std::vector<StepEvent>& steps) {
  std::vector<double> seconds;
  for (const StepEvent& step : steps) {
    seconds.push_back(training_seconds(step));
  }
  if (seconds.empty()) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
  std::nth_element(seconds.begin(), middle, seconds.end());
  return *middle;
}

/// NaN where the evaluation lacks the metric.
double metric_of(const EvaluateEvent& evaluation, const std::string& metric) {
  const auto found = evaluation.metrics.find(metric);
  return found != evaluation.metrics.end() ? found->second : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

ReportSummary summarize(const RunHistory& history, const std::string& best_metric, const std::string& split) {
  ReportSummary summary;
  read_starts_and_end(history, summary);
  summary.seconds_by_part = mean_step(history.steps);
  if (!history.steps.empty()) {
    summary.step = history.steps.back().step;
    summary.epochs = history.steps.back().epoch;
  }
  summary.samples_per_second = static_cast<double>(summary.global_batch) / median_training_seconds(history.steps);
  for (const EvaluateEvent& evaluation : history.evaluations) {
    if (evaluation.split != split) {
      continue;
    }
    summary.last = &evaluation;
    const double score = metric_of(evaluation, best_metric);
    if (std::isfinite(score) && (summary.best == nullptr || score > metric_of(*summary.best, best_metric))) {
      summary.best = &evaluation;
    }
  }
  return summary;
}

}  // namespace lockstep::observe
