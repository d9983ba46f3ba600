#include "lockstep/tune/core/cost_model.h"

#include <gtest/gtest.h>

namespace lockstep::tune {
namespace {

/// 10 ms of decoding a sample, whoever else decodes.
constexpr LoadCosts kLoad{.seconds_alone = 0.010, .seconds_busy = 0.010, .cpu_seconds = 0.010};

/// Steps of 16 samples in 40 ms, in which one core works.
constexpr StepCosts kStep{.seconds = 0.040, .busy_cores = 1};

Setting setting(int cores, int threads) { return {cores, threads, 16}; }

TEST(CostModel, TheSlowestOfThemSetsThePace) {
  const Prediction one = predict(kLoad, kStep, setting(8, 1));
  EXPECT_NEAR(one.samples_per_second, 100, 1e-9);
  EXPECT_EQ(one.limit, Limit::kDecodeThreads);
  EXPECT_NEAR(one.next_per_second, 400, 1e-9);
  EXPECT_EQ(one.next, Limit::kRanks);
  const Prediction five = predict(kLoad, kStep, setting(8, 5));
  EXPECT_NEAR(five.samples_per_second, 400, 1e-9);
  EXPECT_EQ(five.limit, Limit::kRanks);
  EXPECT_EQ(five.next, Limit::kDecodeThreads);
}

TEST(CostModel, DecodeThreadsAndRanksShareTheCores) {
  // A sample takes 10 ms of decoding and 40 / 16 = 2.5 ms of the ranks.
  const Prediction prediction = predict(kLoad, kStep, setting(2, 2));
  EXPECT_NEAR(prediction.samples_per_second, 2 / 0.0125, 1e-9);
  EXPECT_EQ(prediction.limit, Limit::kCores);
  EXPECT_EQ(prediction.next, Limit::kDecodeThreads);
}

TEST(CostModel, ADiskGivesNoMoreToMoreThreads) {
  LoadCosts load = kLoad;
  load.most_per_second = 150;
  EXPECT_NEAR(predict(load, kStep, setting(8, 1)).samples_per_second, 100, 1e-9);
  EXPECT_NEAR(predict(load, kStep, setting(8, 4)).samples_per_second, 150, 1e-9);
  EXPECT_EQ(predict(load, kStep, setting(8, 4)).limit, Limit::kDisk);
  EXPECT_NEAR(load_rate(load, 8, 8), 150, 1e-9);
}

TEST(CostModel, ThreadsThatShareCoresAreSlowerTheMoreThereAre) {
  LoadCosts load = kLoad;
  load.seconds_busy = 0.016;
  EXPECT_NEAR(load_rate(load, 1, 4), 100, 1e-9);
  EXPECT_NEAR(load_rate(load, 2, 4), 2 / 0.012, 1e-9);
  EXPECT_NEAR(load_rate(load, 4, 4), 4 / 0.016, 1e-9);
  EXPECT_NEAR(load_rate(load, 1, 1), 1 / 0.016, 1e-9);
}

}  // namespace
}  // namespace lockstep::tune
