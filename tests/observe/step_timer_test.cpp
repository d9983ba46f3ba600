#include "lockstep/observe/step_timer.h"

#include <gtest/gtest.h>

namespace lockstep::observe {
namespace {

using std::chrono::milliseconds;

TEST(StepTimer, PartsAddUpToTheClockOnTheWall) {
  const Clock::time_point start{};
  StepTimer timer(start);
  timer.enter(Part::kWait, start + milliseconds(10));
  timer.enter(Part::kForward, start + milliseconds(40));
  timer.enter(Part::kWait, start + milliseconds(100));
  timer.end_step(start + milliseconds(125));
  EXPECT_DOUBLE_EQ(timer.last_step()[Part::kOther], 0.010);
  EXPECT_DOUBLE_EQ(timer.last_step()[Part::kWait], 0.055);
  EXPECT_DOUBLE_EQ(timer.last_step()[Part::kForward], 0.060);
  EXPECT_DOUBLE_EQ(timer.last_step().sum(), 0.125);
  EXPECT_DOUBLE_EQ(timer.last_step().utilisation(), 0.070 / 0.125);
}

TEST(StepTimer, AStepBeginsWhereTheOneBeforeEnded) {
  const Clock::time_point start{};
  StepTimer timer(start);
  timer.enter(Part::kUpdate, start);
  timer.end_step(start + milliseconds(20));
  timer.enter(Part::kEvaluate, start + milliseconds(21));
  timer.end_step(start + milliseconds(50));
  EXPECT_DOUBLE_EQ(timer.last_step().sum(), 0.030);
  EXPECT_DOUBLE_EQ(timer.total().sum(), 0.050);
  EXPECT_DOUBLE_EQ(timer.total()[Part::kUpdate], 0.020);
}

TEST(StepTimer, NamesThePartsThatTookTime) {
  const Clock::time_point start{};
  StepTimer timer(start);
  timer.enter(Part::kCheckpoint, start);
  timer.end_step(start + milliseconds(500));
  EXPECT_EQ(timer.last_step().by_name(), (std::map<std::string, double>{{"checkpoint", 0.5}}));
  EXPECT_STREQ(name_of(Part::kOther), "other");
}

TEST(StepTimer, ShowsThePartToTheProbe) {
  const ProbedThread thread("rank 3");
  {
    StepTimer timer;
    timer.enter(Part::kForward);
    EXPECT_EQ(read_probe("rank 3"), "forward");
    timer.enter(Part::kReduce);
    EXPECT_EQ(read_probe("rank 3"), "reduce");
  }
  EXPECT_EQ(read_probe("rank 3"), "idle");
}

TEST(StepTimer, ARankThatDidNothingYetIsNotIdle) { EXPECT_EQ(PartSeconds().utilisation(), 1); }

}  // namespace
}  // namespace lockstep::observe
