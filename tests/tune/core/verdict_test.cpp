#include "lockstep/tune/core/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace lockstep::tune {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// Eight cores, four decode threads of 5 ms a sample, and steps of 16 samples in 40 ms: 400 samples/s, by the ranks.
Findings balanced() {
  Findings findings;
  findings.setting = {8, 4, 16};
  findings.batch_size = 16;
  findings.load = {.seconds_alone = 0.005, .seconds_busy = 0.005, .cpu_seconds = 0.005};
  findings.load_shares = {{"read", 0.05}, {"decode image", 0.6}, {"decode mask", 0.15}};
  findings.step = {.seconds = 0.040, .busy_cores = 1};
  findings.samples_per_second = 400;
  return findings;
}

TEST(Verdict, ARunThatNothingHoldsBackNeedsNoChange) {
  const Verdict verdict = judge(balanced());
  EXPECT_TRUE(verdict.changes.empty());
  EXPECT_THAT(verdict.cause, HasSubstr("nothing holds the ranks back"));
  EXPECT_THAT(verdict.words, AllOf(HasSubstr("Nothing holds the ranks back"), HasSubstr("--autotune")));
}

TEST(Verdict, NamesTheFlagOfTheTaskThatMakesSamplesSmaller) {
  Findings findings = balanced();
  EXPECT_THAT(judge(findings).words, HasSubstr("a smaller --img-size"));
  findings.size_flag = "--patch-size";
  EXPECT_THAT(judge(findings).words, HasSubstr("a smaller --patch-size"));
}

TEST(Verdict, NamesTooFewDecodeThreads) {
  Findings findings = balanced();
  findings.setting.decode_threads = 1;
  findings.samples_per_second = 190;  // 200 by the model
  const Verdict verdict = judge(findings);
  ASSERT_FALSE(verdict.changes.empty());
  const Change& change = verdict.changes.front();
  EXPECT_EQ(change.flag, "--num-workers");
  EXPECT_EQ(change.value, "2");
  EXPECT_NEAR(change.foretold_per_second, 380, 1e-6);
  EXPECT_THAT(verdict.words,
              AllOf(HasSubstr("The decode threads hold the ranks back: 1 decode thread loads 200 samples/s, and the "
                              "ranks could take 400"),
                    HasSubstr("Give --num-workers 2: about 380 samples/s instead of 190 (2.00 times as many)"),
                    HasSubstr("The next limit is then the"), Not(HasSubstr("huge"))));
  EXPECT_THAT(verdict.cause, HasSubstr("the decode threads hold the ranks back"));
}

TEST(Verdict, WhatWasTriedCountsMoreThanTheModel) {
  Findings findings = balanced();
  findings.setting.decode_threads = 1;
  findings.samples_per_second = 190;
  findings.tried = {{"--num-workers", 340}};
  const Verdict tried = judge(findings);
  ASSERT_FALSE(tried.changes.empty());
  EXPECT_TRUE(tried.changes.front().was_tried);
  EXPECT_NEAR(tried.changes.front().foretold_per_second, 340, 1e-6);
  EXPECT_THAT(tried.words, HasSubstr("1.79 times as many, tried for some seconds"));

  findings.tried = {{"--num-workers", 195}};
  EXPECT_TRUE(judge(findings).changes.empty());
}

TEST(Verdict, ThreadsThatDecodeAreTakenFromTheRanksOnTheCpu) {
  Findings findings = balanced();
  findings.setting.decode_threads = 1;  // 200 samples/s; the ranks have the other seven cores
  findings.samples_per_second = 200;
  findings.threads_per_rank = 7;
  findings.ranks_by_rule = 1;
  findings.step = {.seconds = 0.040, .busy_cores = 7};
  const Verdict verdict = judge(findings);
  ASSERT_FALSE(verdict.changes.empty());
  EXPECT_EQ(verdict.changes.front().value, "2");
  EXPECT_NEAR(verdict.changes.front().foretold_per_second, 400 * 6 / 7.0, 1e-6);
}

TEST(Verdict, NamesHugeMasks) {
  Findings findings = balanced();
  findings.load = {.seconds_alone = 0.040, .seconds_busy = 0.040, .cpu_seconds = 0.040};
  findings.load_shares = {{"read", 0.05}, {"decode image", 0.2}, {"decode mask", 0.7}};
  findings.samples_per_second = 100;
  const Verdict verdict = judge(findings);
  ASSERT_FALSE(verdict.changes.empty());
  EXPECT_EQ(verdict.changes.front().flag, "--num-workers");
  EXPECT_EQ(verdict.changes.front().value, "8");
  EXPECT_THAT(verdict.words, HasSubstr("the masks are huge: 70 % of a sample's time goes into decoding them"));
}

Findings on_a_slow_disk() {
  Findings findings = balanced();
  findings.load = {
      .seconds_alone = 0.025, .seconds_busy = 0.025, .cpu_seconds = 0.005, .read_wait = 0.020, .most_per_second = 50};
  findings.load_shares = {{"read", 0.8}, {"decode image", 0.1}, {"decode mask", 0.05}};
  findings.samples_per_second = 50;
  return findings;
}

TEST(Verdict, NamesASlowDisk) {
  const Verdict verdict = judge(on_a_slow_disk());
  ASSERT_EQ(verdict.changes.size(), 1U);
  EXPECT_EQ(verdict.changes.front().flag, "");
  EXPECT_NEAR(verdict.changes.front().foretold_per_second, 400, 1e-6);
  EXPECT_THAT(verdict.words, AllOf(HasSubstr("The disk holds the ranks back: a thread waits 20.0 ms of it for a "
                                             "sample, 80 % of the time that loading it takes, and the ranks could "
                                             "take 400 samples/s where 50.0 come"),
                                   HasSubstr("faster disk"), HasSubstr("8.00 times")));
}

TEST(Verdict, NamesTheDiskWhereAThreadMostlyWaitsForItThoughMoreThreadsWouldHelp) {
  Findings findings = on_a_slow_disk();
  findings.setting.decode_threads = 1;
  findings.load.most_per_second = std::numeric_limits<double>::infinity();
  findings.samples_per_second = 40;
  const Verdict verdict = judge(findings);
  EXPECT_EQ(verdict.now.limit, Limit::kDecodeThreads);
  EXPECT_THAT(verdict.cause, HasSubstr("the disk holds the ranks back"));

  findings.load.read_wait = 0.010;
  EXPECT_THAT(judge(findings).cause, HasSubstr("the decode threads hold the ranks back"));
}

TEST(Verdict, ACacheIsARemedyAndNoCause) {
  Findings findings = on_a_slow_disk();
  findings.cache = {.load = {0.001, 0.001, 0.001}, .needed_bytes = 1000, .limit = 1000};
  const Verdict verdict = judge(findings);
  EXPECT_THAT(verdict.cause, HasSubstr("the disk holds the ranks back"));
  ASSERT_EQ(verdict.changes.size(), 2U);
  EXPECT_EQ(verdict.changes.front().flag, "--cache");
  EXPECT_NEAR(verdict.changes.front().foretold_per_second, 400, 1e-6);
  EXPECT_THAT(verdict.words, HasSubstr("Give --cache ram: from the second epoch on about 400 samples/s"));
}

TEST(Verdict, ACacheThatDoesNotFitIsNotRecommended) {
  Findings findings = on_a_slow_disk();
  findings.cache = {.load = {0.001, 0.001, 0.001}, .needed_bytes = 30ULL << 30, .limit = 11ULL << 30};
  const Verdict verdict = judge(findings);
  ASSERT_EQ(verdict.changes.size(), 1U);
  EXPECT_EQ(verdict.changes.front().flag, "");
  EXPECT_THAT(verdict.words,
              AllOf(HasSubstr("would take about 30 GiB, and --cache ram 11 GiB"), HasSubstr("--cache disk")));
}

TEST(Verdict, ListsTheBestChangeFirstAndOfTwoAlikeTheOneThatCostsLess) {
  Findings findings = balanced();
  findings.setting.decode_threads = 1;
  findings.samples_per_second = 200;
  findings.cache = {.load = {0.001, 0.001, 0.001}, .needed_bytes = 1, .limit = 1};
  findings.tried = {{"--num-workers", 300}, {"--cache", 400}};
  EXPECT_EQ(judge(findings).changes.front().flag, "--cache");
  findings.tried = {{"--num-workers", 390}, {"--cache", 400}};
  ASSERT_EQ(judge(findings).changes.size(), 2U);
  EXPECT_EQ(judge(findings).changes.front().flag, "--num-workers");
}

TEST(Verdict, NamesATinyBatch) {
  Findings findings = balanced();
  findings.setting.samples_per_step = 2;  // of two ranks
  findings.batch_size = 1;
  findings.step = {.seconds = 0.020, .busy_cores = 1};
  findings.batches = {{2, 160}, {4, 240}, {8, 290}, {16, 300}};
  findings.samples_per_second = 98;
  const Verdict verdict = judge(findings);
  ASSERT_EQ(verdict.changes.size(), 1U);
  EXPECT_EQ(verdict.changes.front().flag, "--batch-size");
  EXPECT_EQ(verdict.changes.front().value, "8");
  EXPECT_NEAR(verdict.changes.front().foretold_per_second, 98 * 2.9, 1e-6);
  EXPECT_THAT(verdict.words,
              AllOf(HasSubstr("The batch is too small for the ranks: with 1 they do 100 samples/s, with 16 300"),
                    HasSubstr("the global batch 8 times as large")));
}

TEST(Verdict, NamesASlowRankAndWhenToLeaveItOut) {
  Findings findings = balanced();
  findings.batch_size = 8;
  findings.seconds_alone = {0.020, 0.038};
  findings.busy_seconds = {0.021, 0.039};  // and of 40 ms the slow one waits 1 ms for the reduction
  findings.device_flags = "cuda:0";
  const Verdict little = judge(findings);
  ASSERT_EQ(little.changes.size(), 1U);
  EXPECT_THAT(little.words, AllOf(HasSubstr("Rank 1 holds the other ranks back: alone on the machine it takes 38.0 ms "
                                            "for a batch, the others 20.0 ms"),
                                  Not(HasSubstr("--devices"))));
  EXPECT_NEAR(little.changes.front().foretold_per_second, 16 / 0.022, 1e-6);

  findings.seconds_alone = {0.020, 0.098};
  findings.busy_seconds = {0.021, 0.099};
  findings.step.seconds = 0.100;
  findings.samples_per_second = 160;
  EXPECT_THAT(judge(findings).words, HasSubstr("Leave it out with --devices cuda:0 (about "));
}

TEST(Verdict, WhereAllCoresAreAtWorkItSaysSo) {
  Findings findings = balanced();
  findings.setting = {2, 2, 16};
  findings.samples_per_second = 266;
  const Verdict verdict = judge(findings);
  EXPECT_TRUE(verdict.changes.empty());
  EXPECT_EQ(verdict.now.limit, Limit::kCores);
  EXPECT_THAT(verdict.words, AllOf(HasSubstr("All cores are at work"), HasSubstr("67 % of their time")));
}

}  // namespace
}  // namespace lockstep::tune
