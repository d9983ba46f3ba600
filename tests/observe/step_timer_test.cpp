#include "lockstep/observe/step_timer.h"

#include <gtest/gtest.h>

namespace lockstep::observe::step_timer_test {
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
  const PartSeconds both = timer.take_account(start + milliseconds(50));
  EXPECT_DOUBLE_EQ(both.sum(), 0.050);
  EXPECT_DOUBLE_EQ(both[Part::kUpdate], 0.020);
}

TEST(StepTimer, AnAccountHoldsWhatCameSinceTheLastOneInStepsOrNot) {
  const Clock::time_point start{};
  StepTimer timer(start);
  timer.enter(Part::kForward, start);
  timer.end_step(start + milliseconds(10));
  timer.enter(Part::kEvaluate, start + milliseconds(10));
  EXPECT_DOUBLE_EQ(timer.take_account(start + milliseconds(25))[Part::kEvaluate], 0.015);
  const PartSeconds rest = timer.take_account(start + milliseconds(30));
  EXPECT_DOUBLE_EQ(rest[Part::kEvaluate], 0.005);
  EXPECT_DOUBLE_EQ(rest.sum(), 0.005);
  timer.end_step(start + milliseconds(30));
  EXPECT_DOUBLE_EQ(timer.last_step()[Part::kEvaluate], 0.020);
}

/// A device that takes as long as it is told for what lies before each mark, and has passed some of the marks.
class FakeTimeline : public DeviceTimeline {
 public:
  explicit FakeTimeline(std::deque<double>& intervals, int& passed) : intervals_(intervals), passed_(passed) {}

  void mark() override { ++marks_; }

  std::optional<double> take_interval() override {
    if (taken_ + 2 > marks_ || taken_ + 2 > passed_) {
      return std::nullopt;
    }
    const double seconds = intervals_.at(static_cast<std::size_t>(taken_));
    ++taken_;
    return seconds;
  }

  void wait() override { passed_ = marks_; }

 private:
  std::deque<double>& intervals_;
  int& passed_;  ///< marks
  int marks_ = 0;
  int taken_ = 0;
};

TEST(StepTimer, OnADevicesTimelineAPartHasTheTimeBetweenItsMarks) {
  std::deque<double> intervals{0.5, 2, 4, 8, 16};
  int passed = 10;
  StepTimer timer(std::make_unique<FakeTimeline>(intervals, passed));
  timer.enter(Part::kWait);     // mark 2: 0.5 s of nothing before
  timer.enter(Part::kForward);  // mark 3
  timer.enter(Part::kBackward);
  timer.end_step();
  EXPECT_EQ(timer.last_step().by_name(),
            (std::map<std::string, double>{{"other", 0.5}, {"wait", 2}, {"forward", 4}, {"backward", 8}}));
}

TEST(StepTimer, WhatTheDeviceHasNotPassedYetCountsInTheNextStep) {
  std::deque<double> intervals{1, 2, 4, 8, 16, 32};
  int passed = 3;  // of the marks: the start, and those at which the first two parts ended
  StepTimer timer(std::make_unique<FakeTimeline>(intervals, passed));
  timer.enter(Part::kForward);
  timer.enter(Part::kUpdate);
  timer.end_step();
  EXPECT_DOUBLE_EQ(timer.last_step()[Part::kForward], 2);
  EXPECT_DOUBLE_EQ(timer.last_step()[Part::kUpdate], 0);
  passed = 10;
  timer.enter(Part::kForward);
  timer.end_step();
  EXPECT_DOUBLE_EQ(timer.last_step()[Part::kUpdate], 4);
  EXPECT_DOUBLE_EQ(timer.last_step()[Part::kForward], 16);
  EXPECT_DOUBLE_EQ(timer.take_account().sum(), 1 + 2 + 4 + 8 + 16 + 32);
}

TEST(StepTimer, TheLastAccountWaitsForTheDevice) {
  std::deque<double> intervals{1, 2, 4};
  int passed = 2;
  StepTimer timer(std::make_unique<FakeTimeline>(intervals, passed));
  timer.enter(Part::kForward);
  timer.enter(Part::kUpdate);
  EXPECT_EQ(timer.take_last_account().by_name(),
            (std::map<std::string, double>{{"other", 1}, {"forward", 2}, {"update", 4}}));
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
}  // namespace lockstep::observe::step_timer_test
