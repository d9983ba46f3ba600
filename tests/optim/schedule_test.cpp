#include "lockstep/optim/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <iterator>
#include <sstream>
#include <vector>

#include "lockstep/base/random.h"
#include "lockstep/base/text.h"
#include "tests/support/process.h"

namespace lockstep::optim::schedule_test {
namespace {

constexpr double kTolerance = 1e-12;
constexpr double kAdamBeta1 = 0.9;
constexpr std::int64_t kLengths[] = {1, 2, 3, 4, 7, 10, 11, 100, 333, 1500};

ScheduleOptions options_of(ScheduleKind kind, double learning_rate, std::int64_t warmup, std::int64_t total) {
  ScheduleOptions options;
  options.kind = kind;
  options.learning_rate = learning_rate;
  options.warmup_steps = warmup;
  options.total_steps = total;
  return options;
}

std::string argument_of(const ScheduleOptions& run) {
  const auto words = [&](const char* kind, const auto&... others) {
    return text(std::setprecision(17), kind, ',', run.learning_rate, ',', run.warmup_steps, ',', run.total_steps,
                others...);
  };
  switch (run.kind) {
    case ScheduleKind::kConstant:
      return words("constant");
    case ScheduleKind::kCosine:
      return words("cosine", ',', run.min_learning_rate);
    case ScheduleKind::kRestarts:
      return words("restarts", ',', run.min_learning_rate, ',', run.restart_steps, ',', run.restart_factor);
    case ScheduleKind::kOneCycle:
      return words("onecycle");
    case ScheduleKind::kPolynomial:
      return words("polynomial", ',', run.power);
    case ScheduleKind::kStep:
      return words("step", ',', run.step_length, ',', run.gamma);
    case ScheduleKind::kPlateau:
      break;
  }
  ADD_FAILURE() << "no such scheduler in the reference";
  return "";
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
      ASSERT_NEAR(value.learning_rate, learning_rate, kTolerance * learning_rate) << argument_of(run) << ' ' << step;
      ASSERT_NEAR(value.momentum.value_or(kAdamBeta1), beta1, kTolerance) << argument_of(run) << ' ' << step;
    }
  }
}

/// Runs of many lengths with numbers drawn at random, with and without a warm-up.
std::vector<ScheduleOptions> random_runs(ScheduleKind kind) {
  RandomStream random({.seed = 7, .purpose = Purpose::kSelection, .layer = static_cast<std::uint32_t>(kind)});
  std::vector<ScheduleOptions> runs;
  for (const std::int64_t total : kLengths) {
    for (const double share : {0.0, 0.1, random.uniform(), 1.0}) {
      const std::int64_t warmup = std::min<std::int64_t>(total - 1, std::llround(share * static_cast<double>(total)));
      ScheduleOptions run = options_of(kind, std::pow(10, random.uniform(-5, 0)), warmup, total);
      run.min_learning_rate = random.chance(0.5) ? run.learning_rate * random.uniform() : 0;
      run.restart_steps = 1 + static_cast<std::int64_t>(random.below(60));
      run.restart_factor = 1 + static_cast<std::int64_t>(random.below(3));
      run.power = random.uniform(0.2, 3);
      run.step_length = 1 + static_cast<std::int64_t>(random.below(200)) + total / 20;
      run.gamma = random.uniform(0.05, 0.95);
      runs.push_back(run);
    }
  }
  return runs;
}

/// As users have them: SGDR over 30 epochs after a warm-up of two, cosine, one-cycle.
std::vector<ScheduleOptions> usual_runs() {
  ScheduleOptions restarts = options_of(ScheduleKind::kRestarts, 2e-3, 2 * 45, 32 * 45);
  restarts.min_learning_rate = 1e-6;
  restarts.restart_steps = 10 * 45;
  restarts.restart_factor = 2;
  return {restarts, options_of(ScheduleKind::kCosine, 4e-4, 0, 1500),
          options_of(ScheduleKind::kOneCycle, 2e-3, 0, 1333)};
}

TEST(Schedule, EveryKindEqualsPyTorchOverWholeRuns) {
  std::vector<ScheduleOptions> runs = usual_runs();
  for (const ScheduleKind kind : {ScheduleKind::kConstant, ScheduleKind::kCosine, ScheduleKind::kRestarts,
                                  ScheduleKind::kOneCycle, ScheduleKind::kPolynomial, ScheduleKind::kStep}) {
    const std::vector<ScheduleOptions> more = random_runs(kind);
    runs.insert(runs.end(), more.begin(), more.end());
  }
  expect_pytorch(runs);
}

TEST(Schedule, OneCycleHasNoGapWhereThePeakIsTheFirstStep) {
  ScheduleOptions options = options_of(ScheduleKind::kOneCycle, 1, 0, 2);
  options.rising_share = 0.5;
  EXPECT_EQ(Schedule(options).at(0).learning_rate, 1);
}

TEST(Schedule, PlateauTakesItsRateFromTheState) {
  ScheduleOptions options = options_of(ScheduleKind::kPlateau, 1, 4, 100);
  options.min_learning_rate = 0.03;
  const Schedule schedule(options);
  EXPECT_DOUBLE_EQ(schedule.at(1).learning_rate, 2.0 / 5);
  EXPECT_EQ(schedule.at(4).learning_rate, 1);
  EXPECT_EQ(schedule.at(50, {.reductions = 1}).learning_rate, 0.1);
  EXPECT_EQ(schedule.at(50, {.reductions = 7}).learning_rate, 0.03);
  EXPECT_DOUBLE_EQ(schedule.at(1, {.reductions = 1}).learning_rate, 2.0 / 5);
}

TEST(Schedule, PlateauCountsEvaluationsAfterTheWarmUpOnly) {
  ScheduleOptions options = options_of(ScheduleKind::kPlateau, 1, 10, 100);
  EXPECT_EQ(Schedule(options).observed(9, 0.5, {}), PlateauState());
  EXPECT_EQ(Schedule(options).observed(10, 0.5, {}).best, 0.5);
  options.kind = ScheduleKind::kCosine;
  EXPECT_EQ(Schedule(options).observed(10, 0.5, {}), PlateauState());
}

TEST(Schedule, NamesThePhase) {
  const auto phase = [](const ScheduleOptions& options, std::int64_t step, const PlateauState& plateau = {}) {
    return Schedule(options).at(step, plateau).phase;
  };
  const ScheduleOptions cosine = options_of(ScheduleKind::kCosine, 1e-3, 10, 100);
  EXPECT_EQ(phase(cosine, 2), "warm-up 3/10");
  EXPECT_EQ(phase(cosine, 10), "cosine 1/90");
  const ScheduleOptions cycle = options_of(ScheduleKind::kOneCycle, 1e-3, 0, 10);
  EXPECT_EQ(phase(cycle, 2), "rise 3/3");
  EXPECT_EQ(phase(cycle, 9), "fall 7/7");
  ScheduleOptions restarts = options_of(ScheduleKind::kRestarts, 1e-3, 0, 100);
  restarts.restart_steps = 10;
  restarts.restart_factor = 2;
  EXPECT_EQ(phase(restarts, 9), "cosine 10/10");
  EXPECT_EQ(phase(restarts, 34), "restart 2, 5/40");
  ScheduleOptions step = options_of(ScheduleKind::kStep, 1e-3, 0, 100);
  step.step_length = 30;
  EXPECT_EQ(phase(step, 61), "level 3, 2/30");
  const ScheduleOptions plateau = options_of(ScheduleKind::kPlateau, 1e-3, 0, 100);
  EXPECT_EQ(phase(plateau, 5), "level 1");
  EXPECT_EQ(phase(plateau, 5, {.reductions = 1, .bad_evaluations = 3}), "level 2, no gain 3/11");
  EXPECT_EQ(phase(plateau, 5, {.reductions = 1, .cooldown_left = 2}), "level 2, cools down for 2");
}

TEST(Schedule, RefusesStepsOutsideTheRun) {
  const Schedule schedule(options_of(ScheduleKind::kCosine, 1e-3, 0, 5));
  EXPECT_THROW(schedule.at(-1), std::logic_error);
  EXPECT_THROW(schedule.at(5), std::logic_error);
}

TEST(Schedule, RefusesOptionsThatContradictEachOther) {
  EXPECT_THROW(Schedule(options_of(ScheduleKind::kCosine, 1e-3, 5, 5)), std::logic_error);
  EXPECT_THROW(Schedule(options_of(ScheduleKind::kCosine, std::nan(""), 0, 5)), std::logic_error);
  ScheduleOptions options = options_of(ScheduleKind::kCosine, 1e-3, 0, 5);
  options.min_learning_rate = 1e-2;
  EXPECT_THROW(Schedule{options}, std::logic_error);
}

}  // namespace
}  // namespace lockstep::optim::schedule_test
