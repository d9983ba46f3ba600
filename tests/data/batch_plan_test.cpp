#include "lockstep/data/batch_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "lockstep/base/error.h"
#include "lockstep/data/pass_sequence.h"

namespace lockstep::data::batch_plan_test {
namespace {

TEST(BatchPlan, DealsOutEveryPositionOnce) {
  for (const std::uint64_t samples : {0, 1, 5, 16, 37}) {
    for (const std::uint64_t global : {1, 4, 6, 50}) {
      for (const std::uint64_t per_rank : {1, 3, 8}) {
        for (const int world : {1, 2, 3, 5}) {
          const BatchPlan plan{samples, global, per_rank, world};
          std::uint64_t expected = 0;
          for (std::uint64_t step = 0; step < plan.steps_per_epoch(); ++step) {
            // The step's samples depend on the global batch alone.
            EXPECT_EQ(plan.positions(step), (Range{step * global, std::min((step + 1) * global, samples)}));
            for (int rank = 0; rank < world; ++rank) {
              const std::vector<Range> passes = plan.passes(step, rank);
              EXPECT_LE(passes.size(), plan.accumulation_steps());
              for (const Range& pass : passes) {
                EXPECT_EQ(pass.begin, expected);
                EXPECT_GE(pass.size(), 1U);
                EXPECT_LE(pass.size(), per_rank);
                expected = pass.end;
              }
            }
          }
          EXPECT_EQ(expected, samples);
        }
      }
    }
  }
}

TEST(BatchPlan, SplitsAStepEvenly) {
  const BatchPlan plan{10, 10, 3, 2};
  EXPECT_EQ(plan.passes(0, 0), (std::vector<Range>{{0, 2}, {2, 5}}));
  EXPECT_EQ(plan.passes(0, 1), (std::vector<Range>{{5, 7}, {7, 10}}));
}

TEST(BatchPlan, LeavesARankWithoutSamplesInASmallStep) {
  const BatchPlan plan{4, 3, 8, 3};
  EXPECT_TRUE(plan.passes(1, 0).empty());
  EXPECT_EQ(plan.passes(1, 2), (std::vector<Range>{{3, 4}}));
}

TEST(BatchPlan, TakesTheGlobalBatchFromTheOtherSizes) {
  EXPECT_EQ(plan_batches({.per_rank_batch = 4, .accumulation_steps = 3, .global_batch = {}}, 100, 2).global_batch, 24U);
}

TEST(BatchPlan, TakesTheAccumulationStepsFromTheGlobalBatch) {
  const BatchPlan plan = plan_batches({.per_rank_batch = 4, .accumulation_steps = 1, .global_batch = 20}, 100, 2);
  EXPECT_EQ(plan.global_batch, 20U);
  EXPECT_EQ(plan.accumulation_steps(), 3U);
}

TEST(BatchPlan, RefusesContradictingSizes) {
  try {
    plan_batches({.per_rank_batch = 4, .accumulation_steps = 2, .global_batch = 40}, 100, 2);
    FAIL() << "not refused";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("--global-batch 40"),
                                             testing::HasSubstr("--accumulation-steps is 2")));
  }
  EXPECT_NO_THROW(plan_batches({.per_rank_batch = 4, .accumulation_steps = 5, .global_batch = 40}, 100, 2));
}

TEST(BatchPlan, RefusesSizesOfZero) {
  EXPECT_THROW(plan_batches({.per_rank_batch = 0, .accumulation_steps = 1, .global_batch = {}}, 10, 1), UsageError);
  EXPECT_THROW(plan_batches({.per_rank_batch = 1, .accumulation_steps = 0, .global_batch = {}}, 10, 1), UsageError);
  EXPECT_THROW(plan_batches({.per_rank_batch = 1, .accumulation_steps = 1, .global_batch = 0}, 10, 1), UsageError);
  EXPECT_THROW(plan_batches({.per_rank_batch = 1, .accumulation_steps = 1, .global_batch = {}}, 10, 0), UsageError);
}

TEST(PassSequence, GoesThroughStepsAndEpochsFromWhereItStarts) {
  PassSequence passes(BatchPlan{5, 2, 1, 1}, 0, 3, 2, 5);
  EXPECT_EQ(passes.next(), (Pass{3, {4, 5}}));
  EXPECT_EQ(passes.next(), (Pass{4, {0, 1}}));
  EXPECT_EQ(passes.next(), (Pass{4, {1, 2}}));
  EXPECT_EQ(passes.next(), (Pass{4, {2, 3}}));
  EXPECT_EQ(passes.next(), (Pass{4, {3, 4}}));
  EXPECT_EQ(passes.next(), (Pass{4, {4, 5}}));
  EXPECT_EQ(passes.next(), std::nullopt);
  EXPECT_EQ(passes.next(), std::nullopt);
}

TEST(PassSequence, EndsForARankThatNeverGetsSamples) {
  PassSequence passes(BatchPlan{1, 1, 1, 2}, 0, 0, 0, ~std::uint64_t{0});
  EXPECT_EQ(passes.next(), std::nullopt);
}

TEST(RunPlan, APlanHoldsFromItsFirstEpochOn) {
  RunPlan plan(BatchPlan{10, 5, 5, 1});
  plan.change(2, BatchPlan{10, 2, 2, 1});
  EXPECT_EQ(plan.of_epoch(1).global_batch, 5U);
  EXPECT_EQ(plan.of_epoch(2).global_batch, 2U);
  EXPECT_EQ(plan.of_epoch(9).global_batch, 2U);
  PassSequence passes(plan, 0, 1, 1, 3);  // the second step of epoch 1, then epoch 2
  EXPECT_EQ(passes.next(), (Pass{1, {5, 10}}));
  for (std::uint64_t begin = 0; begin < 10; begin += 2) {
    EXPECT_EQ(passes.next(), (Pass{2, {begin, begin + 2}}));
  }
  EXPECT_FALSE(passes.next().has_value());
}

TEST(RunPlan, ARankThatGetsNothingInOnePlanIsServedInTheNext) {
  RunPlan plan(BatchPlan{1, 1, 1, 2});  // one sample for two ranks: the last one has it
  plan.change(3, BatchPlan{1, 1, 1, 2});
  EXPECT_FALSE(PassSequence(plan, 0, 0, 0, 100).next().has_value());
  EXPECT_EQ(PassSequence(plan, 1, 0, 0, 100).next(), (Pass{0, {0, 1}}));
}

}  // namespace
}  // namespace lockstep::data::batch_plan_test
