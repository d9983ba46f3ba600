#include "lockstep/observe/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/observe/html.h"
#include "lockstep/observe/run_log.h"
#include "tests/support/temp_folder.h"

namespace lockstep::observe::report_test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<std::byte> bytes_of(const std::string& characters) {
  const auto bytes = std::as_bytes(std::span(characters));
  return {bytes.begin(), bytes.end()};
}

StepEvent step(std::int64_t number, double loss) {
  return {number,
          (number - 1) / 10 + 1,
          loss,
          1e-3,
          "00ff",
          0.5,
          {{"wait", 0.02}, {"forward", 0.06}, {"backward", 0.12}, {"evaluate", number % 10 == 0 ? 0.5 : 0}}};
}

/// A log of 30 steps in 3 epochs: IoU is best after the second.
void write_run(const std::filesystem::path& folder) {
  RunLog log(folder / kRunLogFile);
  log.write(StartEvent{0, 2, 16, {{"dataset_path", "a <b> & \"c\""}, {"optimizer", {{"weight_decay", 0.05}}}}});
  const double scores[] = {0.25, 0.75, 0.5};
  for (int i = 1; i <= 30; ++i) {
    log.write(step(i, i == 7 ? std::numeric_limits<double>::quiet_NaN() : 1.0 / i));
    if (i % 10 == 0) {
      log.write(EvaluateEvent{i, "val", {{"iou", scores[i / 10 - 1]}, {"mae", 0.1}}});
      log.write(EvaluateEvent{i, "train", {{"iou", 0.9}}});
    }
  }
  log.write("warning", {{"message", "<script>alert(1)</script>"}});
  log.write(EndEvent{"finished"});
}

const ReportContent kContent{"Camouflage <1>", "iou", "val", {{"cat & mouse", bytes_of("\x89PNG")}}};

std::string report_of(const std::filesystem::path& folder) {
  write_report(folder, kContent);
  return read_text(folder / kReportFile);
}

TEST(Base64, GivesTheVectorsOfRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(base64(bytes_of(plain)), encoded);
  }
  EXPECT_EQ(base64(bytes_of("\xff\xfe\xfd")), "//79");
}

TEST(EscapeHtml, LeavesNothingThatOpensATagOrEndsAnAttribute) {
  EXPECT_EQ(escape_html("<a href=\"x\">'&'</a>"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
}

TEST(Report, TellsTheOutcomeAndTheBestScore) {
  const test::TempFolder folder;
  write_run(folder.path());
  const std::string html = report_of(folder.path());
  EXPECT_THAT(html, HasSubstr("<b>Finished</b> after 3 epochs (30 steps)"));
  EXPECT_THAT(html, HasSubstr("best iou 0.75 at step 20"));
  EXPECT_THAT(html, HasSubstr("<b>80</b><small>samples/s"));  // 16 samples in 0.2 s, evaluation apart
}

TEST(Report, SpeaksOfSamplesAsTheTaskDoes) {
  const test::TempFolder folder;
  write_run(folder.path());
  ReportContent content = kContent;
  content.unit = {"episodes", "min", 60};
  write_report(folder.path(), content);
  const std::string html = read_text(folder / kReportFile);
  EXPECT_THAT(html, HasSubstr("<b>4800</b><small>episodes/min while training"));
  EXPECT_THAT(html, HasSubstr("<small>episodes a step"));
}

TEST(Report, HoldsCurvesTimesRecipeEventsAndPictures) {
  const test::TempFolder folder;
  write_run(folder.path());
  const std::string html = report_of(folder.path());
  for (const char* chart :
       {"aria-label=\"iou\"", "aria-label=\"mae\"", "aria-label=\"Loss\"", "aria-label=\"Learning rate\""}) {
    EXPECT_THAT(html, HasSubstr(chart));
  }
  EXPECT_THAT(html, HasSubstr("backward</td><td class=\"number\">120</td><td class=\"number\">48 %"));
  EXPECT_THAT(html, HasSubstr("<th>optimizer.weight_decay</th><td>0.05</td>"));
  EXPECT_THAT(html, HasSubstr("src=\"data:image/png;base64,iVBORw==\""));
  EXPECT_THAT(html, HasSubstr("<td>warning</td>"));
}

TEST(Report, EscapesWhatComesFromOutside) {
  const test::TempFolder folder;
  write_run(folder.path());
  const std::string html = report_of(folder.path());
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, HasSubstr("Camouflage &lt;1&gt;"));
  EXPECT_THAT(html, HasSubstr("a &lt;b&gt; &amp; &quot;c&quot;"));
  EXPECT_THAT(html, HasSubstr("cat &amp; mouse"));
}

TEST(Report, OpensOfflineAndHoldsOnlyNumbersThatCanBeDrawn) {
  const test::TempFolder folder;
  write_run(folder.path());
  const std::string html = report_of(folder.path());
  for (const char* absent : {"http:", "https:", "@import", "<link", "url(", "nan", "inf"}) {
    EXPECT_THAT(html, Not(HasSubstr(absent)));
  }
}

TEST(Report, SaysWhatStoppedOrEndedARun) {
  const auto outcome_of = [](const char* reason) {
    RunHistory history;
    history.others = {{{"event", "start"}, {"time", "t"}}};
    if (reason != nullptr) {
      history.others.push_back({{"event", "end"}, {"time", "t"}, {"reason", reason}});
    }
    return render_report(history, kContent);
  };
  EXPECT_THAT(outcome_of("failed: loss is not finite"),
              HasSubstr("Failed</b> after 0 epochs (0 steps) and 0 s. Reason: "
                        "failed: loss is not finite."));
  EXPECT_THAT(outcome_of("stopped by a signal"), HasSubstr("<b>Stopped</b>"));
  EXPECT_THAT(outcome_of(nullptr), HasSubstr("<b>Running, or killed,</b>"));
}

TEST(Report, IsWrittenForARunOfOneStepWithoutEvaluation) {
  const test::TempFolder folder;
  RunLog(folder / kRunLogFile).write(step(1, std::nan("")));
  const std::string html = report_of(folder.path());
  EXPECT_THAT(html, HasSubstr("aria-label=\"Loss\""));
  EXPECT_THAT(html, Not(HasSubstr("<h2>Metrics")));
}

TEST(Report, NamesAMissingLog) {
  const test::TempFolder folder;
  EXPECT_THROW(write_report(folder.path(), kContent), DataError);
}

}  // namespace
}  // namespace lockstep::observe::report_test
