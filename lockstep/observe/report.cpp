#include "lockstep/observe/report.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "lockstep/base/clock.h"
#include "lockstep/base/files.h"
#include "lockstep/base/text.h"
#include "lockstep/observe/chart.h"
#include "lockstep/observe/html.h"
#include "lockstep/observe/report_style.h"
#include "lockstep/observe/report_summary.h"
#include "lockstep/observe/run_log.h"

namespace lockstep::observe {
namespace {

constexpr std::size_t kCurvePoints = 1000;
constexpr std::size_t kEventsShown = 300;

std::string percent(double fraction) { return text(format_number(std::round(1000 * fraction) / 10), " %"); }

std::string counted(std::int64_t count, const std::string& thing) {
  return text(count, " ", thing, count == 1 ? "" : "s");
}

std::string outcome_sentence(const RunHistory& history, const ReportSummary& summary, const std::string& metric) {
  const std::map<std::string, std::string> words{
      {"finished", "Finished"}, {"stopped", "Stopped"}, {"failed", "Failed"}, {"open", "Running, or killed,"}};
  std::string sentence = text("<b>", words.at(summary.outcome), "</b> after ", counted(summary.epochs, "epoch"), " (",
                              counted(summary.step, "step"), ") and ", format_duration(history.seconds));
  if (summary.best != nullptr) {
    sentence += text("; best ", escape_html(metric), " ", format_number(summary.best->metrics.at(metric)), " at step ",
                     summary.best->step);
  }
  sentence += '.';
  if (summary.reason != summary.outcome && !summary.reason.empty()) {
    sentence += text(" Reason: ", escape_html(summary.reason), ".");
  }
  return text("<p class=\"outcome ", summary.outcome, "\">", sentence, "</p>\n");
}

std::string tile(const std::string& name, const std::string& value, const std::string& note = "") {
  return text("<div class=\"tile\"><span>", escape_html(name), "</span><b>", escape_html(value), "</b><small>",
              escape_html(note), "</small></div>\n");
}

std::string tiles(const RunHistory& history, const ReportSummary& summary, const ReportContent& content) {
  std::string html = "<div class=\"tiles\">\n";
  if (summary.best != nullptr) {
    html += tile(text("Best ", content.best_metric), format_number(summary.best->metrics.at(content.best_metric)),
                 text(content.split, ", step ", summary.best->step));
  }
  html += tile("Speed", format_number(std::round(content.unit.rate(summary.samples_per_second) * 10) / 10),
               content.unit.per_time() + " while training");
  html += tile("Time", format_duration(history.seconds),
               text(counted(summary.epochs, "epoch"), ", ", counted(summary.step, "step")));
  html += tile("World size", text(summary.world_size), summary.world_size == 1 ? "rank" : "ranks");
  html += tile("Global batch", text(summary.global_batch), content.unit.name + " a step");
  return html + "</div>\n";
}

std::string step_charts(const std::vector<StepEvent>& steps) {
  Series loss{"each step", {}, {}, 0, true};
  Series learning_rate{"learning rate", {}, {}};
  for (const StepEvent& step : steps) {
    loss.x.push_back(static_cast<double>(step.step));
    loss.y.push_back(step.loss);
    learning_rate.x.push_back(static_cast<double>(step.step));
    learning_rate.y.push_back(step.learning_rate);
  }
  // A hundredth of the run, or a few steps: enough to see the trend, whatever its length.
  Series trend = smooth(loss, 1 - 1 / std::max(4.0, static_cast<double>(steps.size()) / 100));
  trend.name = "smoothed";
  trend.faint = false;
  return line_chart({"Loss", "step", {thin_out(loss, kCurvePoints), thin_out(trend, kCurvePoints)}}) +
         line_chart({"Learning rate", "step", {thin_out(learning_rate, kCurvePoints)}});
}

struct MetricCharts {
  std::string best;  ///< of the metric that decides
  std::string others;
};

/// One chart a metric, with a curve for each split.
MetricCharts metric_charts(const std::vector<EvaluateEvent>& evaluations, const std::string& best_metric) {
  std::map<std::string, std::map<std::string, Series>> series_by_metric;
  for (const EvaluateEvent& evaluation : evaluations) {
    for (const auto& [metric, value] : evaluation.metrics) {
      Series& series = series_by_metric[metric][evaluation.split];
      series.name = evaluation.split;
      series.x.push_back(static_cast<double>(evaluation.step));
      series.y.push_back(value);
    }
  }
  MetricCharts charts;
  for (const auto& [metric, series_by_split] : series_by_metric) {
    Chart chart{metric, "step", {}};
    for (const auto& [split, series] : series_by_split) {
      chart.series.push_back(thin_out(series, kCurvePoints));
      chart.series.back().color = chart.series.size() - 1;
    }
    (metric == best_metric ? charts.best : charts.others) += line_chart(chart);
  }
  return charts;
}

std::string step_time(const std::vector<std::pair<std::string, double>>& seconds_by_part) {
  double sum = 0;
  for (const auto& [part, seconds] : seconds_by_part) {
    sum += seconds;
  }
  std::string bar;
  std::string rows = "<tr><th>part</th><th class=\"number\">ms a step</th><th class=\"number\">share</th></tr>\n";
  std::size_t color = 0;
  for (const auto& [part, seconds] : seconds_by_part) {
    const std::string name = escape_html(part);
    bar += text("<i class=\"c", color, "\" style=\"flex-grow:", seconds / sum, "\" title=\"", name, "\"></i>");
    rows += text("<tr><td><i class=\"swatch c", color, "\"></i>", name, "</td><td class=\"number\">",
                 format_number(1000 * seconds), "</td><td class=\"number\">", percent(seconds / sum), "</td></tr>\n");
    ++color;
  }
  return text("<h2>Where the time of a step goes</h2>\n<div class=\"card\"><div class=\"bar\">", bar, "</div><table>",
              rows, "</table></div>\n");
}

std::string metric_table(const ReportSummary& summary) {
  const EvaluateEvent& best = summary.best != nullptr ? *summary.best : *summary.last;
  std::string rows = text("<tr><th>metric</th><th class=\"number\">best, step ", best.step,
                          "</th><th class=\"number\">last, step ", summary.last->step, "</th></tr>\n");
  for (const auto& [metric, value] : summary.last->metrics) {
    const auto at_best = best.metrics.find(metric);
    rows += text("<tr><td>", escape_html(metric), "</td><td class=\"number\">",
                 at_best != best.metrics.end() ? format_number(at_best->second) : "–", "</td><td class=\"number\">",
                 format_number(value), "</td></tr>\n");
  }
  return text("<h2>Metrics (", escape_html(summary.last->split), ")</h2>\n<div class=\"card\"><table>", rows,
              "</table></div>\n");
}

std::string examples(const std::vector<ReportExample>& all) {
  std::string html = "<h2>Examples</h2>\n<div class=\"examples\">\n";
  for (const ReportExample& example : all) {
    const std::string caption = escape_html(example.caption);
    html += text("<figure class=\"example\"><img alt=\"", caption, "\" src=\"data:image/png;base64,",
                 base64(example.png), "\"><figcaption>", caption, "</figcaption></figure>\n");
  }
  return html + "</div>\n";
}

/// A value as a person writes it: text without quotes.
std::string plain(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string recipe_rows(const nlohmann::json& options, const std::string& prefix) {
  std::string rows;
  for (const auto& [name, value] : options.items()) {
    rows += value.is_object()
                ? recipe_rows(value, prefix + name + ".")
                : text("<tr><th>", escape_html(prefix + name), "</th><td>", escape_html(plain(value)), "</td></tr>\n");
  }
  return rows;
}

std::string recipe(const nlohmann::json& options) {
  return text("<h2>Recipe</h2>\n<div class=\"card\"><table>", recipe_rows(options, ""), "</table></div>\n");
}

std::string event_details(const nlohmann::json& record) {
  const std::set<std::string> shown_elsewhere{"event", "time", "recipe"};
  std::string details;
  for (const auto& [name, value] : record.items()) {
    if (!shown_elsewhere.contains(name)) {
      details += text(details.empty() ? "" : ", ", name, ": ", plain(value));
    }
  }
  return details;
}

std::string events(const std::vector<nlohmann::json>& records) {
  const std::size_t first = records.size() > kEventsShown ? records.size() - kEventsShown : 0;
  std::string rows;
  for (std::size_t i = first; i < records.size(); ++i) {
    rows += text("<tr><td>", escape_html(plain(records[i].at("time"))), "</td><td>",
                 escape_html(plain(records[i].at("event"))), "</td><td>", escape_html(event_details(records[i])),
                 "</td></tr>\n");
  }
  const std::string counted =
      first == 0 ? text(records.size(), " events") : text("the last ", kEventsShown, " of ", records.size(), " events");
  return text("<h2>Events</h2>\n<div class=\"card\"><details><summary>", counted, "</summary><table>", rows,
              "</table></details></div>\n");
}

}  // namespace

std::string render_report(const RunHistory& history, const ReportContent& content) {
  const ReportSummary summary = summarize(history, content.best_metric, content.split);
  const std::string title = escape_html(content.title);
  std::string body = text("<h1>", title, "</h1>\n", outcome_sentence(history, summary, content.best_metric),
                          tiles(history, summary, content));
  const MetricCharts charts = metric_charts(history.evaluations, content.best_metric);
  if (!history.steps.empty()) {
    body += text("<h2>Curves</h2>\n<div class=\"charts\">\n", charts.best, step_charts(history.steps), "</div>\n");
  }
  if (!content.examples.empty()) {
    body += examples(content.examples);
  }
  if (summary.last != nullptr) {
    body += metric_table(summary);
  }
  if (!charts.others.empty()) {
    body += text("<details class=\"more\"><summary>Curves of the other metrics</summary>\n<div class=\"charts\">\n",
                 charts.others, "</div></details>\n");
  }
  if (!summary.seconds_by_part.empty()) {
    body += step_time(summary.seconds_by_part);
  }
  if (!summary.recipe.empty()) {
    body += recipe(summary.recipe);
  }
  if (!history.others.empty()) {
    body += events(history.others);
  }
  return text("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"",
              "width=device-width, initial-scale=1\"><title>", title, "</title><style>", kReportStyle,
              "</style></head>\n<body><main>\n", body, "<footer>Written by lockstep ", LOCKSTEP_VERSION, ", ",
              utc_now(), "</footer>\n</main></body></html>\n");
}

void write_report(const std::filesystem::path& run_folder, const ReportContent& content) {
  write_file_atomically(run_folder / kReportFile, render_report(read_run_history(run_folder / kRunLogFile), content));
}

}  // namespace lockstep::observe
