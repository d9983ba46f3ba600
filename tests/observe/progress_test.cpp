#include "lockstep/observe/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>

namespace lockstep::observe::progress_test {
namespace {

using testing::HasSubstr;
using testing::Not;

ProgressState state_at(std::int64_t step) {
  ProgressState state;
  state.stage = "all";
  state.epoch = (step - 1) / 10 + 1;
  state.epochs = 60;
  state.step = step;
  state.steps = 600;
  state.loss = 0.5;
  state.learning_rate = 0.0006;
  state.phase = "warm-up 3/10";
  state.samples_per_second = 45.25;
  state.utilisation = {0.97, 0.954};
  return state;
}

const ProgressReadings kReadings{0.4321, 1288490189, 200};  // 1.2 GiB

Clock::time_point at(double seconds) {
  return Clock::time_point{} + std::chrono::duration_cast<Clock::duration>(Seconds(seconds));
}

int lines_in(const std::string& output) { return static_cast<int>(std::count(output.begin(), output.end(), '\n')); }

TEST(ProgressLine, SaysAll) {
  EXPECT_EQ(progress_line(state_at(12), kReadings, 200),
            "all  epoch 2/60  step 12/600  loss 0.4321  lr 6.00e-04 (warm-up 3/10)  45.2 samples/s  busy 97 95 %  "
            "RAM 1.2 GiB  ETA 3 min 20 s");
}

TEST(ProgressLine, SpeaksOfSamplesAsTheTaskDoes) {
  ProgressState state = state_at(12);
  state.unit = {"episodes", "min", 60};
  state.samples_per_second = 0.15;
  EXPECT_THAT(progress_line(state, kReadings, 200), HasSubstr("  9.0 episodes/min  "));
}

TEST(ProgressLine, LeavesOutWhatMattersLeastOnANarrowTerminal) {
  for (std::size_t columns = 1; columns < 150; ++columns) {
    EXPECT_LE(progress_line(state_at(12), kReadings, columns).size(), columns);
  }
  EXPECT_EQ(progress_line(state_at(12), kReadings, 80),
            "all  epoch 2/60  step 12/600  loss 0.4321  45.2 samples/s  ETA 3 min 20 s");
  EXPECT_EQ(progress_line(state_at(12), kReadings, 30), "loss 0.4321  ETA 3 min 20 s");
}

TEST(ProgressLine, LeavesOutWhatIsNotKnown) {
  ProgressState state;
  const std::string line = progress_line(state, {0.5, 1 << 20, std::nan("")}, 200);
  EXPECT_EQ(line, "epoch 0/0  step 0/0  loss 0.5000  lr 0.00e+00  0.0 samples/s  RAM 1 MiB");
}

TEST(Progress, WritesALineEveryFewSecondsWhereThereIsNoTerminal) {
  std::ostringstream out;
  Progress progress({.terminal = false}, out);
  for (int step = 1; step <= 10; ++step) {
    progress.update(state_at(step), at(3 * step));  // shown at 3, 15 and 27 s
  }
  EXPECT_EQ(lines_in(out.str()), 3) << out.str();
  EXPECT_THAT(out.str(), HasSubstr("step 5/600"));
  EXPECT_THAT(out.str(), Not(HasSubstr("step 4/600")));
  EXPECT_THAT(out.str(), Not(HasSubstr("\r")));
}

TEST(Progress, WritesALineAtTheEndOfEachEpochAndOfTheRun) {
  std::ostringstream out;
  {
    Progress progress({.terminal = false}, out);
    for (int step = 1; step <= 25; ++step) {
      progress.update(state_at(step), at(0.01 * step));
    }
  }
  EXPECT_EQ(lines_in(out.str()), 4) << out.str();
  for (const char* shown : {"step 1/600", "step 10/600", "step 20/600", "step 25/600"}) {
    EXPECT_THAT(out.str(), HasSubstr(shown));
  }
}

TEST(Progress, SmoothsTheLossAndPassesOverWhatIsNotFinite) {
  std::ostringstream out;
  Progress progress({.terminal = false, .line_seconds = 0}, out);
  ProgressState state = state_at(1);
  state.loss = 1;
  progress.update(state, at(1));
  state.loss = std::nan("");
  progress.update(state, at(2));
  state.loss = 0;
  progress.update(state, at(3));
  EXPECT_THAT(out.str(), HasSubstr("loss 0.9000"));
  EXPECT_THAT(out.str(), Not(HasSubstr("nan")));
}

TEST(Progress, ExpectsTheEndFromTheStepsOfThisRunOnly) {
  std::ostringstream out;
  Progress progress({.terminal = false, .line_seconds = 0}, out);
  progress.update(state_at(500), at(0));  // resumed
  EXPECT_THAT(out.str(), Not(HasSubstr("ETA")));
  progress.update(state_at(510), at(5));
  EXPECT_THAT(out.str(), HasSubstr("ETA 45 s"));
}

TEST(Progress, RewritesOneLineOnATerminalAndNotTooOften) {
  std::ostringstream out;
  {
    Progress progress({.terminal = true, .columns = 60}, out);
    for (int step = 1; step <= 20; ++step) {
      progress.update(state_at(step), at(0.05 * step));  // shown at 0.05, 0.25, 0.45, 0.65, 0.85 s and at the end
    }
    EXPECT_EQ(lines_in(out.str()), 0);
  }
  const std::string output = out.str();
  EXPECT_EQ(std::count(output.begin(), output.end(), '\r'), 6);
  EXPECT_THAT(output, testing::EndsWith("\n"));
  EXPECT_THAT(output, HasSubstr("step 20/600"));
}

TEST(Progress, LetsMessagesPassAboveTheLine) {
  std::ostringstream out;
  auto sink = log::set_sink([&out](log::Level, const std::string& line) { out << line << "\n"; });
  {
    Progress progress({.terminal = true, .columns = 60}, out);
    progress.update(state_at(1), at(1));
    out.str("");
    log::info("saved");
    EXPECT_THAT(out.str(), testing::StartsWith("\r\x1b[Ksaved\n\r\x1b[K"));
    EXPECT_THAT(out.str(), HasSubstr("step 1/600"));
  }
  out.str("");
  log::info("after");
  EXPECT_EQ(out.str(), "after\n");
  log::set_sink(std::move(sink));
}

}  // namespace
}  // namespace lockstep::observe::progress_test
