#include "lockstep/train/guard.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "lockstep/base/error.h"
#include "lockstep/data/epoch_order.h"
#include "tests/support/tiny_tasks.h"
#include "tests/train/runs.h"

/// What becomes of a run whose losses or gradients are not finite.
namespace lockstep::train::guard_test {
namespace {

constexpr std::int64_t kStepsPerEpoch = 4;

class Guard : public testing::TestWithParam<std::string> {
 protected:
  static std::unique_ptr<tasks::Task> task(test::TinyTaskOptions options = {}) {
    return test::make_tiny_task(GetParam(), std::move(options));
  }

  /// Whose losses are not finite in these steps, which count from 1.
  static std::unique_ptr<tasks::Task> task_broken_in(std::int64_t first, std::int64_t last) {
    test::TinyTaskOptions broken;
    broken.disturbance = [=](const data::Draw& draw) {
      const auto step = static_cast<std::int64_t>(draw.epoch) * kStepsPerEpoch +
                        static_cast<std::int64_t>(draw.position) / kGlobalBatch + 1;
      return step >= first && step <= last ? not_a_number() : 0.0;
    };
    return task(broken);
  }
};

INSTANTIATE_TEST_SUITE_P(Tasks, Guard, testing::Values("patches", "episodes"),
                         [](const auto& instance) { return instance.param; });

bool are_same(const checkpoint::NamedTensors& some, const checkpoint::NamedTensors& others) {
  return std::ranges::equal(some, others,
                            [](const auto& one, const auto& other) { return at::equal(one.second, other.second); });
}

std::string name_at(const tasks::Task& task, const TrainOptions& options, std::uint64_t epoch, std::size_t position) {
  return task.training_set().name(data::shuffled_order(options.seed, epoch, task.training_set().size())[position]);
}

TEST_P(Guard, NamesTheStepTheRankTheSampleAndTheModuleOfALossThatIsNotFinite) {
  test::TinyTaskOptions broken;
  broken.disturbance = at_place(0, 8, not_a_number);  // the second step: two samples for each of three ranks
  const TempFolder folder;
  const TrainOptions options = options_in(folder, 3);
  train(*task(broken), options);
  const auto skips = events(folder, "skip");
  ASSERT_EQ(skips.size(), 1U);
  EXPECT_EQ(skips[0].at("step"), 2);
  EXPECT_EQ(skips[0].at("ranks"), nlohmann::json({1}));
  ASSERT_EQ(skips[0].at("origins").size(), 1U);
  const nlohmann::json& origin = skips[0].at("origins")[0];
  EXPECT_EQ(origin.at("rank"), 1);
  EXPECT_EQ(origin.at("pass"), "forward");
  EXPECT_EQ(origin.at("operation"), "aten::add");
  EXPECT_EQ(origin.at("module"), GetParam() == "patches" ? "last" : "box");
  EXPECT_EQ(origin.at("samples"), nlohmann::json({name_at(*task(), options, 0, 8)}));
  EXPECT_EQ(warnings_with(folder, "step 2 skipped"), 1);
  EXPECT_EQ(warnings_with(folder, "rank 1: forward pass, after "), 1);
  EXPECT_TRUE(events(folder, "rollback").empty());
}

TEST_P(Guard, NamesTheRankAndTheSampleOfAGradientThatIsNotFinite) {
  test::TinyTaskOptions broken;
  broken.gradient_fault = [](const data::Draw& draw) { return draw.epoch == 0 && draw.position == 10; };
  const TempFolder folder;
  const TrainOptions options = options_in(folder, 3);
  train(*task(broken), options);
  const auto skips = events(folder, "skip");
  ASSERT_EQ(skips.size(), 1U);
  EXPECT_EQ(skips[0].at("ranks"), nlohmann::json({2}));
  const nlohmann::json& origin = skips[0].at("origins")[0];
  EXPECT_EQ(origin.at("pass"), "backward");
  EXPECT_EQ(origin.at("samples"), nlohmann::json({name_at(*task(), options, 0, 10)}));
}

TEST_P(Guard, ALookAtAStepChangesNoBit) {
  const auto in = [](const TempFolder& folder) {
    TrainOptions options = options_in(folder, 2);
    options.ema_decay = 0.9;
    return options;
  };
  const TempFolder folder;
  train(*task_broken_in(2, 2), in(folder));
  EXPECT_EQ(events(folder, "skip").at(0).at("origins").size(), 2U) << "each rank has one";
  test::TinyTaskOptions failing;  // the same step is left out, and nobody looks into that
  failing.load_fault = at_place(0, 8, []() -> double { throw std::bad_alloc(); });
  const TempFolder other;
  train(*task(failing), in(other));
  expect_same_tensors(last_snapshot(folder).model, last_snapshot(other).model);
  expect_same_tensors(last_snapshot(folder).ema, last_snapshot(other).ema);
  expect_same_tensors(last_snapshot(folder).optimizer, last_snapshot(other).optimizer);
}

TEST_P(Guard, LooksAtFiveStepsAtMost) {
  test::TinyTaskOptions broken;  // every second step
  broken.disturbance = [](const data::Draw& draw) {
    return draw.position / kGlobalBatch % 2 == 1 ? not_a_number() : 0.0;
  };
  const TempFolder folder;
  train(*task(broken), options_in(folder, 1));
  const auto skips = events(folder, "skip");
  ASSERT_EQ(skips.size(), 6U);
  for (std::size_t i = 0; i < skips.size(); ++i) {
    EXPECT_EQ(skips[i].at("origins").size(), i < 5 ? 1U : 0U);
  }
}

TEST_P(Guard, FiveStepsInARowTakeTheRunBackToItsLastGoodStateAtHalfTheRate) {
  const TempFolder reference;
  train(*task(), options_in(reference, 1));
  for (const int ranks : {1, 2, 4}) {
    SCOPED_TRACE(text(ranks, " ranks"));
    const TempFolder folder;
    TrainOptions options = options_in(folder, ranks);
    options.ema_decay = 0.9;
    options.max_steps = 4;
    train(*task(), options);
    const checkpoint::Snapshot good = last_snapshot(folder);  // with which the resumed run begins
    const auto broken = task_broken_in(6, 10);
    options.max_steps = 5;
    train(*broken, options);
    EXPECT_FALSE(are_same(last_snapshot(folder).model, good.model)) << "the weights move on";

    const TempFolder again;
    options.checkpoint_dir = again.path();
    options.max_steps = 4;
    train(*task(), options);
    options.max_steps = 10;
    train(*broken, options);
    const checkpoint::Snapshot back = last_snapshot(again);
    expect_same_tensors(good.model, back.model);
    expect_same_tensors(good.ema, back.ema);
    expect_same_tensors(good.optimizer, back.optimizer);
    EXPECT_EQ(back.state.step, 10) << "samples are not seen again";
    EXPECT_EQ(back.state.rate_factor, 0.5);
    EXPECT_EQ(back.state.rollbacks, 1);
    const auto rollbacks = events(again, "rollback");
    ASSERT_EQ(rollbacks.size(), 1U);
    EXPECT_EQ(rollbacks[0].at("step"), 10);
    EXPECT_EQ(rollbacks[0].at("to_update"), 4);
    EXPECT_EQ(rollbacks[0].at("rate_factor"), 0.5);
    EXPECT_EQ(events(again, "skip").size(), 5U);

    options.max_steps.reset();
    EXPECT_EQ(train(*broken, options), RunEnd::kFinished);
    for (const std::size_t step : {10, 11}) {
      EXPECT_EQ(history(again).steps[step].learning_rate, history(reference).steps[step].learning_rate / 2);
      EXPECT_TRUE(std::isfinite(history(again).steps[step].loss));
    }
  }
}

TEST_P(Guard, TheGoodStateMovesOnWithTheRun) {
  const auto in = [](const TempFolder& folder, std::int64_t steps) {
    TrainOptions options = options_in(folder, 2);
    options.epochs = 14;  // of four steps
    options.max_steps = steps;
    return options;
  };
  const TempFolder reference;
  train(*task(), in(reference, 50));
  const TempFolder folder;
  train(*task_broken_in(52, 56), in(folder, 56));
  ASSERT_EQ(events(folder, "rollback").size(), 1U);
  EXPECT_EQ(events(folder, "rollback")[0].at("to_update"), 50);
  expect_same_tensors(last_snapshot(reference).model, last_snapshot(folder).model);
  expect_same_tensors(last_snapshot(reference).optimizer, last_snapshot(folder).optimizer);
}

TEST_P(Guard, AResumeBeforeIsNotSeenInARollBack) {
  const auto in = [](const TempFolder& folder) {
    TrainOptions options = options_in(folder, 2);
    options.epochs = 15;
    return options;
  };
  const auto broken = task_broken_in(52, 56);
  const TempFolder reference;
  train(*broken, in(reference));
  ASSERT_EQ(events(reference, "rollback").size(), 1U);
  for (const std::int64_t cut : {30, 45}) {
    SCOPED_TRACE(text("stopped after step ", cut));
    const TempFolder folder;
    TrainOptions options = in(folder);
    options.max_steps = cut;
    train(*broken, options);
    options.max_steps.reset();
    train(*broken, options);
    ASSERT_EQ(events(folder, "rollback").size(), 1U);
    EXPECT_EQ(events(folder, "rollback")[0].at("to_update"), 50);
    expect_same_runs(reference, folder);
  }
}

TEST_P(Guard, StepsThatWereNotFiniteAreCountedInARowThroughAResume) {
  const auto broken = task_broken_in(3, 7);
  const TempFolder folder;
  TrainOptions options = options_in(folder, 2);
  options.max_steps = 5;
  train(*broken, options);
  options.max_steps.reset();
  train(*broken, options);
  ASSERT_EQ(events(folder, "rollback").size(), 1U);
  EXPECT_EQ(events(folder, "rollback")[0].at("step"), 7);
}

TEST_P(Guard, ALowerRateSurvivesAResumeToTheBit) {
  const TempFolder reference;
  const auto broken = task_broken_in(3, 7);
  train(*broken, options_in(reference, 2));
  ASSERT_EQ(events(reference, "rollback").size(), 1U);
  const TempFolder folder;
  TrainOptions options = options_in(folder, 2);
  options.max_steps = 9;
  train(*broken, options);
  options.max_steps.reset();
  train(*broken, options);
  expect_same_runs(reference, folder);
}

TEST_P(Guard, RollsBackTheSameOnAnyRankCount) {
  const TempFolder reference;
  const auto broken = task_broken_in(3, 7);
  train(*broken, options_in(reference, 1));
  const TempFolder folder;
  train(*broken, options_in(folder, 3));
  expect_same_history(reference, folder, kRounding);
}

TEST_P(Guard, GivesUpWhereTwoRollBacksDidNotHelp) {
  const TempFolder folder;
  TrainOptions options = options_in(folder, 2);
  options.epochs = 8;
  EXPECT_THROW(train(*task_broken_in(1, 32), options), TrainingError);
  EXPECT_EQ(events(folder, "skip").size(), 15U);
  EXPECT_EQ(events(folder, "rollback").size(), 2U);
}

TEST_P(Guard, TheSearchOfALossScaleIsNoAlarm) {
  test::TinyTaskOptions broken;
  broken.gradient_fault = [](const data::Draw& draw) { return draw.epoch > 0; };
  const TempFolder folder;
  TrainOptions options = options_in(folder, 2);
  options.precision = "fp16";
  train(*task(broken), options);
  const auto skips = events(folder, "skip");
  ASSERT_EQ(skips.size(), 8U);
  for (const nlohmann::json& skip : skips) {
    EXPECT_FALSE(skip.contains("origins"));
  }
  EXPECT_TRUE(events(folder, "rollback").empty());
}

TEST(GuardWithBatchNorm, ASkippedStepLeavesNoTraceInItsStatistics) {
  const auto in = [](const TempFolder& folder, std::int64_t steps) {
    TrainOptions options = options_in(folder, 2);
    options.max_steps = steps;
    return options;
  };
  test::TinyTaskOptions broken;
  broken.batch_norm = true;
  broken.disturbance = at_place(0, 8, not_a_number);
  const TempFolder before;
  train(*test::make_patch_task(broken), in(before, 1));
  const TempFolder after;
  train(*test::make_patch_task(broken), in(after, 2));
  ASSERT_EQ(events(after, "skip").size(), 1U);
  expect_same_tensors(last_snapshot(before).model, last_snapshot(after).model);
}

TEST(GuardWithJoinedBatchNorm, DoesNoStepAgain) {
  test::TinyTaskOptions broken;
  broken.batch_norm = true;
  broken.disturbance = at_place(0, 8, not_a_number);
  const TempFolder folder;
  TrainOptions options = options_in(folder, 3);
  options.sync_batch_norm = true;
  train(*test::make_patch_task(broken), options);
  const auto skips = events(folder, "skip");
  ASSERT_EQ(skips.size(), 1U);
  EXPECT_EQ(skips[0].at("ranks"), nlohmann::json({1}));
  EXPECT_TRUE(skips[0].at("origins").empty());
}

}  // namespace
}  // namespace lockstep::train::guard_test
