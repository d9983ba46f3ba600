#include "lockstep/optim/rate_rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lockstep/base/error.h"

namespace lockstep::optim::rate_rule_test {
namespace {

ScheduleChoice found_at(std::int64_t base_batch) {
  ScheduleChoice choice;
  choice.lr_base_batch = base_batch;
  return choice;
}

TEST(RateRule, ScalesByTheRootOfTheBatch) {
  EXPECT_NEAR(scaled_rate(found_at(8), {4e-4, 12}), 0.00049, 5e-6);
  EXPECT_NEAR(scaled_rate(found_at(8), {4e-4, 16}), 0.00057, 5e-6);
  EXPECT_EQ(scaled_rate(found_at(8), {4e-4, 8}), 4e-4);
  EXPECT_DOUBLE_EQ(scaled_rate(found_at(16), {4e-4, 4}), 2e-4);
}

TEST(RateRule, ScalesByTheBatchOrNotAtAll) {
  ScheduleChoice choice = found_at(8);
  choice.lr_scaling = "linear";
  EXPECT_DOUBLE_EQ(scaled_rate(choice, {4e-4, 12}), 6e-4);
  choice.lr_scaling = "none";
  EXPECT_EQ(scaled_rate(choice, {4e-4, 12}), 4e-4);
}

TEST(RateRule, ARateThatWasTypedStaysWithoutABaseBatch) {
  EXPECT_EQ(scaled_rate(ScheduleChoice(), {4e-4, 64}), 4e-4);
  EXPECT_EQ(describe_rate(ScheduleChoice(), {4e-4, 64}), "learning rate 0.0004, as given");
}

TEST(RateRule, DeepSupervisionHasAFactorOfItsOwn) {
  ScheduleChoice choice = found_at(8);
  choice.deep_supervision_lr_factor = 0.6;
  EXPECT_DOUBLE_EQ(scaled_rate(choice, {4e-4, 32, true}), 4.8e-4);
  EXPECT_EQ(describe_rate(choice, {4e-4, 32, true}),
            "learning rate 0.00048 = 0.0004 × sqrt(32 / 8) × 0.6 for deep supervision");
  EXPECT_THROW(scaled_rate(choice, {4e-4, 32, false}), UsageError);
  EXPECT_EQ(scaled_rate(ScheduleChoice(), {4e-4, 32, true}), 4e-4);
}

TEST(RateRule, WordsShowBothRates) {
  EXPECT_EQ(describe_rate(found_at(8), {4e-4, 16}), "learning rate 0.000566 = 0.0004 × sqrt(16 / 8)");
  ScheduleChoice choice = found_at(8);
  choice.lr_scaling = "linear";
  EXPECT_EQ(describe_rate(choice, {4e-4, 16}), "learning rate 0.0008 = 0.0004 × 16 / 8");
}

}  // namespace
}  // namespace lockstep::optim::rate_rule_test
