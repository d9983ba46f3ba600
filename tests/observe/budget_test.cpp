#include "lockstep/observe/budget.h"

#include <gtest/gtest.h>

namespace lockstep::observe::budget_test {
namespace {

/// One of an hour, in which everything was measured: steps of 2 s, an evaluation of 30 s, a snapshot of 4 s that
/// training waits 1 s for, and an end of 10 s.
Budget measured(double seconds = 3600) {
  Budget budget(seconds);
  budget.stepped(9);  // the first one
  budget.stepped(2);
  budget.stepped(2);
  budget.evaluated(30);
  budget.stood_still(1);
  budget.saved(4);
  budget.will_finish_in(10);
  return budget;
}

WorkAhead epochs_of(std::size_t count, double steps) { return {0, std::vector<double>(count, steps), 1}; }

TEST(ABudget, KeepsMoreThanTheTimeOfWhatTheEndTakes) {
  EXPECT_GT(measured().tail_seconds(false), 4 + 10);
  EXPECT_LT(measured().tail_seconds(false), 2 * (4 + 10));
  EXPECT_GT(measured().tail_seconds(true), measured().tail_seconds(false) + 30 + 4);
}

TEST(ABudget, IsOverWhenOneMoreStepWouldBeTooMany) {
  const Budget budget = measured();
  const double last = 3600 - budget.tail_seconds(true) - 2;
  EXPECT_FALSE(budget.is_over(last - 0.01, 1, true));
  EXPECT_TRUE(budget.is_over(last + 0.01, 1, true));
  EXPECT_TRUE(budget.is_over(last - 0.01, 2, true));
  EXPECT_FALSE(budget.is_over(last + 0.01, 1, false)) << "without the evaluation there is time";
}

TEST(ABudget, CountsOnTheSlowestOfTheLastSteps) {
  Budget budget = measured();
  const double last = 3600 - budget.tail_seconds(true) - 2;
  budget.stepped(20);
  EXPECT_TRUE(budget.is_over(last - 10, 1, true));
  for (int i = 0; i < 50; ++i) {
    budget.stepped(2);
  }
  EXPECT_FALSE(budget.is_over(last - 10, 1, true)) << "that was long ago";
}

TEST(ABudget, TakesTheFirstStepForAMeasureOnlyUntilThereIsAnother) {
  Budget budget(60);
  budget.assume_step(5);
  EXPECT_EQ(budget.step_seconds(), 5);
  budget.stepped(9);
  EXPECT_EQ(budget.step_seconds(), 9);
  budget.stepped(2);
  EXPECT_EQ(budget.step_seconds(), 2);
  budget.stepped(4);
  EXPECT_EQ(budget.step_seconds(), 3);
}

TEST(ABudget, MustBeLeftWhenOnlyTheRestOfTheTailIsPossible) {
  const Budget budget = measured();
  const double last = 3600 - budget.tail_seconds(false);
  EXPECT_FALSE(budget.must_leave(last - 0.01));
  EXPECT_TRUE(budget.must_leave(last + 0.01));
}

TEST(EpochsThatFit, AreThoseWhoseStepsEvaluationsAndSnapshotsFit) {
  // 50 steps of 2 s, an evaluation of 30 s and a stand-still of 1 s: 131 s an epoch.
  const Budget budget = measured(13.5 * 131 + measured().tail_seconds(false));
  EXPECT_EQ(budget.epochs_that_fit(0, epochs_of(40, 50)), 13);
  EXPECT_EQ(budget.epochs_that_fit(131, epochs_of(40, 50)), 12);
  EXPECT_EQ(budget.epochs_that_fit(0, epochs_of(12, 50)), 12) << "there are no more";
  EXPECT_EQ(budget.epochs_that_fit(0, epochs_of(40, 50), 0.5), 21) << "81 s each";
}

TEST(EpochsThatFit, CountThoseThatAreDoneAndTheRestOfThePresentOne) {
  const Budget budget = measured(2.9 * 131 + measured().tail_seconds(false));
  WorkAhead work = epochs_of(30, 50);
  work.epochs_done = 10;
  EXPECT_EQ(budget.epochs_that_fit(0, work), 12);
  work.steps.front() = 5;  // which leaves 90 s of it out
  EXPECT_EQ(budget.epochs_that_fit(0, work), 13);
}

TEST(EpochsThatFit, AreMoreWhereFewerAreEvaluated) {
  WorkAhead work = epochs_of(4, 50);
  work.evaluate_every = 3;  // the third, and the last: 2 x 101 s, 131 s, 131 s
  EXPECT_EQ(measured(334 + measured().tail_seconds(false)).epochs_that_fit(0, work), 3);
  EXPECT_EQ(measured(332 + measured().tail_seconds(false)).epochs_that_fit(0, work), 2);
  EXPECT_EQ(measured(465 + measured().tail_seconds(false)).epochs_that_fit(0, work), 4);
  EXPECT_EQ(measured(463 + measured().tail_seconds(false)).epochs_that_fit(0, work), 3);
}

TEST(EpochsThatFit, AreSaidInAFewWords) {
  EXPECT_EQ(describe_fit(26, 40, std::nullopt), "26 of 40 epochs will fit");
  EXPECT_EQ(describe_fit(26, 40, OtherFit{"--img-size 320", 38}), "26 of 40 epochs will fit; with --img-size 320: 38");
  EXPECT_EQ(describe_fit(40, 40, std::nullopt), "all of the 40 epochs will fit");
  EXPECT_EQ(describe_fit(0, 1, std::nullopt), "0 of 1 epoch will fit");
}

}  // namespace
}  // namespace lockstep::observe::budget_test
