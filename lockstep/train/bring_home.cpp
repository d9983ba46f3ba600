#include "lockstep/train/bring_home.h"

#include <cmath>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/log.h"
#include "lockstep/base/probe.h"
#include "lockstep/base/text.h"
#include "lockstep/observe/report.h"
#include "lockstep/observe/run_log.h"
#include "lockstep/train/clock_watch.h"
#include "lockstep/train/evaluation.h"
#include "lockstep/train/journal.h"
#include "lockstep/train/trained_model.h"

namespace lockstep::train {
namespace {

/// Tells how long something took whenever it is asked, and whether as much again still fits, with what must follow.
class Remaining {
 public:
  Remaining(const Plan& plan, double seconds_of_rest) : plan_(plan), rest_(seconds_of_rest) {}

  bool is_too_short() {
    constexpr double kPlay = 1.5;
    constexpr double kProgramEndSeconds = 0.5;
    const double now = age_of_program(plan_.options);
    const double last = now - since_;
    since_ = now;
    return now + kPlay * (last + rest_) + kProgramEndSeconds > plan_.seconds_to_run;
  }

 private:
  const Plan& plan_;
  double rest_;
  double since_ = age_of_program(plan_.options);
};

std::vector<observe::ReportExample> make_examples(const Plan& plan, c10::Device device,
                                                  const checkpoint::RunFolder& folder, Remaining remaining,
                                                  RunWatch& watch) {
  std::vector<observe::ReportExample> examples;
  watch.launch(parallel::World({device}), /*threads_per_rank=*/1, [&](parallel::Rank& rank) {
    const ProbeScope probe("examples for the report");
    const auto model = load_trained(plan.task, folder.best_model(), rank.device);
    for (tasks::Example& example : illustrate(rank, plan.task, *model, kReportExamples, plan.bad_samples,
                                              [&] { return remaining.is_too_short(); })) {
      examples.push_back({std::move(example.caption), std::move(example.png)});
    }
  });
  return examples;
}

std::filesystem::path weights_to_bring(const std::filesystem::path& run_folder, bool last) {
  if (!last) {
    return checkpoint::best_weights(run_folder);
  }
  const std::filesystem::path snapshot = checkpoint::SnapshotFolder(run_folder).last().value();
  return snapshot /
         (std::filesystem::exists(snapshot / checkpoint::kEmaFile) ? checkpoint::kEmaFile : checkpoint::kModelFile);
}

}  // namespace

void bring_home(const Plan& plan, c10::Device device, const checkpoint::RunFolder& folder, const HomeOptions& options,
                RunWatch& watch) {
  const double since = age_of_program(plan.options);
  {
    const ProbeScope probe("write of the weights");
    write_file_atomically(folder.best_model(), read_file(weights_to_bring(folder.path(), options.last_weights)));
  }
  const auto write_report = [&](const observe::ReportContent& report) {
    const ProbeScope probe("write of the report");
    observe::write_report(folder.path(), report);
  };

  observe::ReportContent report;
  report.title = plan.task.name();
  report.best_metric = plan.task.best_metric();
  report.split = kEvaluationSplit;
  report.unit = plan.task.unit();
  double report_seconds = 0;
  if (std::isfinite(plan.seconds_to_run)) {  // what must be there comes first
    const double before = age_of_program(plan.options);
    write_report(report);
    report_seconds = age_of_program(plan.options) - before;
  }
  if (options.examples) {
    try {
      report.examples = make_examples(plan, device, folder, Remaining(plan, report_seconds), watch);
    } catch (const UserError& error) {
      log::warn(text("the report is without examples: ", error.what()));
    }
  }
  write_report(report);
  observe::RunLog(folder.path() / observe::kRunLogFile)
      .write("home", {{"seconds", age_of_program(plan.options) - since}});
}

}  // namespace lockstep::train
