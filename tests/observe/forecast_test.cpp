#include "lockstep/observe/forecast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "lockstep/base/error.h"
#include "lockstep/base/random.h"

namespace lockstep::observe::forecast_test {
namespace {

using testing::HasSubstr;

const Target kIoU{"iou", 0.72};

std::vector<MetricPoint> curve(int epochs, const std::function<double(double)>& metric, double noise = 0,
                               std::uint64_t seed = 0) {
  RandomStream random({.seed = seed, .purpose = Purpose::kSelection});
  std::vector<MetricPoint> points;
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    points.push_back({static_cast<double>(epoch), metric(epoch) + noise * random.normal()});
  }
  return points;
}

double exponential(double epoch) { return 0.8 - 0.6 * std::exp(-epoch / 20); }  // at 0.72 in epoch 40.3
double power(double epoch) { return 0.9 - 0.7 * std::pow(epoch, -0.35); }       // at 0.72 in epoch 48.5

TEST(ParseTarget, TakesANameAndANumber) {
  const Target target = parse_target("s_measure=0.86");
  EXPECT_EQ(target.metric, "s_measure");
  EXPECT_EQ(target.value, 0.86);
}

TEST(ParseTarget, RefusesAnythingElse) {
  for (const char* words : {"", "iou", "=0.7", "iou=", "iou=much", "iou=0.7x", "iou=nan", "iou=inf", "iou = 0.7"}) {
    EXPECT_THROW(parse_target(words), UsageError) << words;
  }
}

TEST(Forecast, FindsWhereACurveWithoutNoiseReachesTheTarget) {
  const Forecast of_exponential = forecast(kIoU, curve(20, exponential), 60);
  ASSERT_EQ(of_exponential.outlook, Outlook::kExpected);
  EXPECT_NEAR(of_exponential.epoch, 40.3, 1.5);
  EXPECT_LE(of_exponential.earliest, 40.3);
  EXPECT_GE(of_exponential.latest.value(), 40.3);

  const Forecast of_power = forecast(kIoU, curve(20, power), 60);
  ASSERT_EQ(of_power.outlook, Outlook::kExpected);
  EXPECT_NEAR(of_power.epoch, 48.5, 1.5);
}

TEST(Forecast, TheRangeHoldsTheTruthForMostNoisyCurves) {
  for (const auto& [law, truth] : {std::pair{&exponential, 40.3}, std::pair{&power, 48.5}}) {
    int inside = 0;
    constexpr int kCurves = 100;
    for (int seed = 0; seed < kCurves; ++seed) {
      const Forecast found = forecast(kIoU, curve(25, law, 0.01, static_cast<std::uint64_t>(seed)), 60);
      inside += found.earliest <= truth && found.latest.value_or(1e9) >= truth && found.outlook != Outlook::kNotInSight;
    }
    EXPECT_GE(inside, 65);  // 80 are promised, by a theory of large samples
  }
}

TEST(Forecast, TheRangeIsNarrowerNearerToTheTarget) {
  const auto width = [](int epochs) {
    const Forecast found = forecast(kIoU, curve(epochs, exponential, 0.004, 3), 60);
    return found.latest.value_or(std::numeric_limits<double>::infinity()) - found.earliest;
  };
  EXPECT_LT(width(36), width(20));
}

TEST(Forecast, SaysThatACurveLevelsOffBelowTheTarget) {
  const auto low = [](double epoch) { return 0.6 - 0.5 * std::exp(-epoch / 5); };
  const Forecast found = forecast(kIoU, curve(40, low, 0.002), 60);
  EXPECT_EQ(found.outlook, Outlook::kNotInSight);
  EXPECT_NEAR(found.level, 0.6, 0.01);
  EXPECT_THAT(describe(found), HasSubstr("not in sight: the curve leads to 0.60"));
}

TEST(Forecast, ACurveThatFallsOrStandsStillIsNotInSight) {
  EXPECT_EQ(forecast(kIoU, curve(12, [](double epoch) { return 0.5 - 0.01 * epoch; }), 60).outlook,
            Outlook::kNotInSight);
  EXPECT_EQ(forecast(kIoU, curve(12, [](double) { return 0.5; }), 60).outlook, Outlook::kNotInSight);
}

TEST(Forecast, NeedsFourEvaluationsThatAreNumbers) {
  std::vector<MetricPoint> points = curve(4, exponential);
  points[1].metric = std::numeric_limits<double>::quiet_NaN();
  const Forecast found = forecast(kIoU, points, 60);
  EXPECT_EQ(found.outlook, Outlook::kTooFewPoints);
  EXPECT_EQ(describe(found), "target iou=0.72: no forecast yet, with 3 of 4 evaluations");
  EXPECT_EQ(forecast(kIoU, {}, 60).outlook, Outlook::kTooFewPoints);
  EXPECT_NE(forecast(kIoU, curve(4, exponential), 60).outlook, Outlook::kTooFewPoints);
}

TEST(Forecast, SaysWhenTheTargetWasReached) {
  const Forecast found = forecast(kIoU, curve(60, exponential), 60);
  EXPECT_EQ(found.outlook, Outlook::kReached);
  EXPECT_EQ(describe(found), "target iou=0.72: reached in epoch 41");
  EXPECT_EQ(forecast({"iou", exponential(1)}, curve(1, exponential), 60).outlook, Outlook::kReached);
}

TEST(Forecast, TakesErrorsOfWhichLessIsBetter) {
  const auto error = [](double epoch) { return 1 - exponential(epoch); };
  const Forecast found = forecast({"mae", 0.28}, curve(20, error), 60, false);
  ASSERT_EQ(found.outlook, Outlook::kExpected);
  EXPECT_NEAR(found.epoch, 40.3, 1.5);
  EXPECT_GT(found.level, 0.15);
}

TEST(Forecast, GivesTheSameAnswerEachTime) {
  const auto points = curve(25, exponential, 0.01);
  EXPECT_EQ(describe(forecast(kIoU, points, 60)), describe(forecast(kIoU, points, 60)));
}

TEST(DescribeForecast, GivesEpochsAndHoursWithTheirRange) {
  Forecast found{kIoU, Outlook::kExpected, 20, 20, 40.3, 36.2, 54.9, 0.8, 600};
  EXPECT_EQ(describe(found), "target iou=0.72: about epoch 41 (37 to 55), in 3.5 h (2.8 h to 5.8 h)");
  EXPECT_EQ(describe(found, 60), describe(found));
  EXPECT_THAT(describe(found, 40), HasSubstr("; the run ends before it, after epoch 40"));
  found.latest.reset();
  found.seconds_per_epoch = 60;
  EXPECT_EQ(describe(found), "target iou=0.72: about epoch 41 (37 or later), in 21 min (17 min or more)");
  found.outlook = Outlook::kDoubtful;
  EXPECT_THAT(describe(found), HasSubstr("epoch 37 at the earliest, in 17 min, and perhaps never"));
}

}  // namespace
}  // namespace lockstep::observe::forecast_test
