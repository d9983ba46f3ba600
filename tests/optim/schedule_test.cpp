#include "lockstep/optim/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <sstream>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "tests/support/process.h"

namespace lockstep::optim {
namespace {

constexpr double kTolerance = 1e-12;
constexpr double kAdamBeta1 = 0.9;

ScheduleOptions cosine(double learning_rate, double min_learning_rate, std::int64_t warmup, std::int64_t total) {
  ScheduleOptions options;
  options.learning_rate = learning_rate;
  options.min_learning_rate = min_learning_rate;
  options.warmup_steps = warmup;
  options.total_steps = total;
  return options;
}

ScheduleOptions one_cycle(double learning_rate, std::int64_t total) {
  ScheduleOptions options = cosine(learning_rate, 0, 0, total);
  options.kind = ScheduleKind::kOneCycle;
  return options;
}

std::string argument_of(const ScheduleOptions& run) {
  return run.kind == ScheduleKind::kCosine ? text("cosine,", run.learning_rate, ',', run.min_learning_rate, ',',
                                                  run.warmup_steps, ',', run.total_steps)
                                           : text("onecycle,", run.learning_rate, ',', run.total_steps);
}

void expect_pytorch(const std::vector<ScheduleOptions>& runs) {
  if (!test::python_has({"torch"})) {
    GTEST_SKIP() << "needs Python with PyTorch";
  }
  std::vector<std::string> arguments;
  std::transform(runs.begin(), runs.end(), std::back_inserter(arguments), argument_of);
  const test::ProcessResult result = test::run_python("tests/optim/schedule_reference.py", arguments);
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  std::istringstream lines(result.output);
  for (const ScheduleOptions& run : runs) {
    const Schedule schedule(run);
    for (std::int64_t step = 0; step < run.total_steps; ++step) {
      double learning_rate = 0;
      double beta1 = 0;
      ASSERT_TRUE(lines >> learning_rate >> beta1);
      const ScheduleValue value = schedule.at(step);
      EXPECT_NEAR(value.learning_rate, learning_rate, kTolerance * learning_rate) << argument_of(run) << ' ' << step;
      EXPECT_NEAR(value.momentum.value_or(kAdamBeta1), beta1, kTolerance) << argument_of(run) << ' ' << step;
    }
  }
}

TEST(Schedule, CosineWithWarmUpEqualsPyTorch) {
  expect_pytorch({cosine(1e-3, 0, 0, 1), cosine(2e-3, 1e-5, 0, 7), cosine(1e-3, 0, 1, 2), cosine(3e-4, 0, 2, 3),
                  cosine(3e-4, 3e-4, 5, 20), cosine(1, 0.1, 10, 100), cosine(5e-4, 0, 99, 100),
                  cosine(1e-3, 1e-6, 150, 1500)});
}

TEST(Schedule, OneCycleEqualsPyTorch) {
  expect_pytorch({one_cycle(2e-3, 1), one_cycle(2e-3, 2), one_cycle(2e-3, 3), one_cycle(2e-3, 4), one_cycle(1, 7),
                  one_cycle(2e-3, 10), one_cycle(5e-4, 11), one_cycle(2e-3, 100), one_cycle(2e-3, 1333)});
}

TEST(Schedule, OneCycleHasNoGapWhereThePeakIsTheFirstStep) {
  ScheduleOptions options = one_cycle(1, 2);
  options.rising_share = 0.5;
  EXPECT_EQ(Schedule(options).at(0).learning_rate, 1);
}

TEST(Schedule, NamesThePhase) {
  const Schedule cosine_schedule(cosine(1e-3, 0, 10, 100));
  EXPECT_EQ(cosine_schedule.at(2).phase, "warm-up 3/10");
  EXPECT_EQ(cosine_schedule.at(10).phase, "cosine 1/90");
  const Schedule cycle(one_cycle(1e-3, 10));
  EXPECT_EQ(cycle.at(2).phase, "rise 3/3");
  EXPECT_EQ(cycle.at(9).phase, "fall 7/7");
}

TEST(Schedule, RefusesStepsOutsideTheRun) {
  const Schedule schedule(cosine(1e-3, 0, 0, 5));
  EXPECT_THROW(schedule.at(-1), std::logic_error);
  EXPECT_THROW(schedule.at(5), std::logic_error);
}

void expect_refused(const ScheduleOptions& options, const std::string& flag) {
  try {
    options.validate();
    FAIL() << "accepted, though " << flag << " is wrong";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(flag));
  }
}

TEST(ScheduleOptions, RefusalsNameTheFlag) {
  expect_refused(cosine(0, 0, 0, 5), "--lr");
  expect_refused(cosine(std::nan(""), 0, 0, 5), "--lr");
  expect_refused(cosine(1e-3, 1e-2, 0, 5), "--min-lr");
  expect_refused(cosine(1e-3, -1, 0, 5), "--min-lr");
  expect_refused(cosine(1e-3, 0, 5, 5), "--warmup-epochs");
  expect_refused(cosine(1e-3, 0, -1, 5), "--warmup-epochs");
  ScheduleOptions cycle = one_cycle(1e-3, 5);
  cycle.warmup_steps = 1;
  expect_refused(cycle, "--scheduler");
  cycle = one_cycle(1e-3, 5);
  cycle.min_learning_rate = 1e-5;
  expect_refused(cycle, "--scheduler");
}

}  // namespace
}  // namespace lockstep::optim
