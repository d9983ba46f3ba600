#include "lockstep/cli/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "lockstep/base/files.h"
#include "tests/cli/sample_options.h"
#include "tests/support/logged_lines.h"
#include "tests/support/temp_folder.h"

namespace lockstep::cli::schedule_test {
namespace {

using testing::HasSubstr;
using testing::Not;
using Words = std::vector<std::string>;

std::string printed(const Words& words) {
  testing::internal::CaptureStdout();
  schedule("lockstep schedule", words);
  return testing::internal::GetCapturedStdout();
}

/// The rows of the table, without its heading and what stands around it.
std::vector<std::string> rows_of(const std::string& output) {
  std::vector<std::string> rows;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(" ") && !line.starts_with(" epoch")) {
      rows.push_back(line);
    }
  }
  return rows;
}

TEST(ScheduleCommand, PrintsEpochStepRateMomentumAndPhase) {
  const std::string output = printed({"--scheduler", "cosine", "--lr", "0.01", "--warmup-epochs", "1", "--epochs", "3",
                                      "--steps-per-epoch", "4", "--every", "4"});
  EXPECT_THAT(output, HasSubstr("learning rate 0.01, as given\n"));
  EXPECT_THAT(rows_of(output), testing::ElementsAre("     1         1  2.000000e-03         -  warm-up 1/4",
                                                    "     2         5  1.000000e-02         -  cosine 1/8",
                                                    "     3         9  5.000000e-03         -  cosine 5/8",
                                                    "     3        12  3.806023e-04         -  cosine 8/8"));
}

TEST(ScheduleCommand, PrintsTheMomentumOfOneCycle) {
  EXPECT_THAT(rows_of(printed({"--scheduler", "onecycle", "--epochs", "2"})).front(), HasSubstr("0.9500  rise 1/60"));
}

TEST(ScheduleCommand, PrintsAboutTwentyRowsOfALongRun) {
  const auto rows = rows_of(printed({"--scheduler", "onecycle", "--epochs", "150", "--steps-per-epoch", "95"}));
  EXPECT_GE(rows.size(), 20U);
  EXPECT_LE(rows.size(), 22U);
}

TEST(ScheduleCommand, ShowsTwoStagesOneAfterTheOther) {
  const auto rows = rows_of(printed({"--scheduler", "cosine", "--lr", "0.01", "--epochs", "5", "--stage1-epochs", "2",
                                     "--stage2-lr", "0.001", "--steps-per-epoch", "10", "--every", "10"}));
  ASSERT_EQ(rows.size(), 7U);
  EXPECT_THAT(rows[0], HasSubstr("1.000000e-02         -  stage 1, cosine 1/20"));
  EXPECT_THAT(rows[3], HasSubstr("     3        21  1.000000e-03         -  stage 2, cosine 1/30"));
}

TEST(ScheduleCommand, ScalesTheRate) {
  EXPECT_THAT(printed({"--lr", "0.0004", "--lr-base-batch", "8", "--global-batch", "16"}),
              HasSubstr("learning rate 0.000566 = 0.0004 × sqrt(16 / 8)\n"));
}

TEST(ScheduleCommand, SaysWhatIsKnownOfAPlateau) {
  const std::string output = printed({"--scheduler", "plateau", "--plateau-patience", "4"});
  EXPECT_THAT(output, HasSubstr("after 5 evaluations in a row without a gain the learning rate is multiplied by 0.1"));
  EXPECT_THAT(printed({"--scheduler", "constant"}), Not(HasSubstr("gain")));
}

TEST(ScheduleCommand, WarnsOfARestartThatDoesNotEnd) {
  const test::LoggedLines log;
  printed({"--scheduler", "restarts", "--warmup-epochs", "2", "--epochs", "40"});
  EXPECT_THAT(log.text(), HasSubstr("32 or 72 epochs would end with a fall"));
}

TEST(ScheduleCommand, DrawsTheCurve) {
  const test::TempFolder folder;
  const auto file = folder / "curve.svg";
  printed({"--epochs", "10", "--stage1-epochs", "4", "--output", file.string()});
  const std::string svg = read_text(file);
  EXPECT_THAT(svg, HasSubstr("<path class=\"curve c0\""));
  EXPECT_THAT(svg, HasSubstr("<path class=\"curve c1\""));
}

TEST(ScheduleCommand, RefusesFlagsThatWouldHaveNoEffect) {
  const auto message = [](const Words& words) {
    return message_of<UsageError>([&] { schedule("lockstep schedule", words); });
  };
  EXPECT_THAT(message({"--stage2-lr", "0.1"}), HasSubstr("give --stage1-epochs"));
  EXPECT_THAT(message({"--lr-base-batch", "8"}), HasSubstr("give --global-batch"));
  EXPECT_THAT(message({"--global-batch", "8"}), HasSubstr("--lr-base-batch"));
  EXPECT_THAT(message({"--stage1-epochs", "60"}), HasSubstr("--stage1-epochs 60 leaves no epochs"));
  EXPECT_THAT(message({"--scheduler", "cosine", "--gamma", "0.5"}), HasSubstr("choose --scheduler step"));
}

}  // namespace
}  // namespace lockstep::cli::schedule_test
