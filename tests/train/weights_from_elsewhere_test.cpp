#include "lockstep/train/weights_from_elsewhere.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "lockstep/base/error.h"
#include "lockstep/checkpoint/safetensors.h"
#include "tests/support/tiny_tasks.h"
#include "tests/train/runs.h"

namespace lockstep::train::weights_from_elsewhere_test {
namespace {

using testing::HasSubstr;

std::string usage_error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

/// A run of three epochs, of four steps each, and its weights after the first.
class WeightsOfAnotherRun : public testing::Test {
 protected:
  WeightsOfAnotherRun() {
    train(*task_, options_in(reference_, 2));
    TrainOptions first = options_in(first_epoch_, 2);
    first.max_steps = 4;
    train(*task_, first);
  }

  TrainOptions options() const {
    TrainOptions options = options_in(folder_, 2);
    options.resume_from = first_epoch_.path() / "checkpoints/step-00000004/model.safetensors";
    return options;
  }

  std::unique_ptr<tasks::Task> task_ = test::make_patch_task();
  TempFolder reference_;
  TempFolder first_epoch_;
  TempFolder folder_;
};

TEST_F(WeightsOfAnotherRun, BeginAtTheFirstEpochWhereNothingElseIsSaid) {
  train(*task_, options());
  const observe::RunHistory run = history(folder_);
  ASSERT_EQ(run.steps.size(), 12U);
  EXPECT_EQ(run.steps.front().step, 1);
  EXPECT_NE(run.steps.front().loss, history(reference_).steps.front().loss);
}

TEST_F(WeightsOfAnotherRun, BeginAtTheEpochThatIsGivenWithItsSamplesAndItsRate) {
  TrainOptions options = this->options();
  options.start_epoch = 1;
  train(*task_, options);
  const observe::RunHistory run = history(folder_);
  const observe::RunHistory whole = history(reference_);
  ASSERT_EQ(run.steps.size(), 8U);
  for (std::size_t i = 0; i < run.steps.size(); ++i) {
    EXPECT_EQ(run.steps[i].step, whole.steps[i + 4].step);
    EXPECT_EQ(run.steps[i].epoch, whole.steps[i + 4].epoch);
    EXPECT_EQ(run.steps[i].samples, whole.steps[i + 4].samples);
    EXPECT_EQ(run.steps[i].learning_rate, whole.steps[i + 4].learning_rate);
  }
  // The weights are those of the other run after its first epoch; the optimizer begins anew.
  EXPECT_NEAR(run.steps.front().loss, whole.steps[4].loss, 1e-6);
  EXPECT_NE(run.steps.back().loss, whole.steps.back().loss);
  EXPECT_EQ(run.evaluations.size(), 2U);
  EXPECT_EQ(last_snapshot(folder_).state.step, 12);
  EXPECT_EQ(last_snapshot(folder_).state.updates, 8);
}

TEST_F(WeightsOfAnotherRun, OnceBegunTheRunIsResumedToTheSameBits) {
  TrainOptions options = this->options();
  options.start_epoch = 1;
  train(*task_, options);
  const TempFolder stopped;
  options.checkpoint_dir = stopped.path();
  options.max_steps = 7;
  train(*task_, options);
  options.max_steps.reset();
  options.resume_from = "/gone/by/now.safetensors";
  train(*task_, options);
  expect_same_snapshots(folder_, stopped);
}

TEST_F(WeightsOfAnotherRun, LieInTheMiddleOfAStageWithoutItsOptimizer) {
  TrainOptions options = this->options();
  options.stage1_epochs = 1;
  options.progressive_unfreeze = true;
  options.start_epoch = 2;
  options.ema_decay = 0.9;
  train(*task_, options);
  EXPECT_EQ(history(folder_).steps.front().step, 9);
  EXPECT_EQ(last_snapshot(folder_).state.updates, 4);
}

TEST_F(WeightsOfAnotherRun, LeaveSomethingToDo) {
  TrainOptions options = this->options();
  options.start_epoch = 3;
  EXPECT_THAT(usage_error_of([&] { options.validate(); }), HasSubstr("--start-epoch is out of its range"));
  options.start_epoch = 1;
  options.max_steps = 4;
  EXPECT_THAT(usage_error_of([&] { train(*task_, options); }), HasSubstr("--max-steps is 4"));
  options.resume_from.clear();
  EXPECT_THAT(usage_error_of([&] { options.validate(); }), HasSubstr("--start-epoch is for --resume-from"));
  options.resume_from = first_epoch_.path();
  EXPECT_THAT(usage_error_of([&] { options.validate(); }), HasSubstr("a run knows its epoch"));
}

TEST(EpochsDoneBefore, AreThoseThatAreGivenOrThatTheFileSays) {
  TrainOptions options;
  options.epochs = 10;
  EXPECT_EQ(epochs_done_before(options, {}), 0);
  options.resume_from = "some.pth";
  EXPECT_EQ(epochs_done_before(options, {{"some.pth", {}, "", std::nullopt}}), 0);
  EXPECT_EQ(epochs_done_before(options, {{"some.pth", {}, "", -1}}), 0);
  EXPECT_EQ(epochs_done_before(options, {{"other.pth", {}, "", 2}, {"some.pth", {}, "", 7}}), 7);
  EXPECT_THAT(usage_error_of([&] {
                epochs_done_before(options, {{"some.pth", {}, "", 10}});
              }),
              HasSubstr("'some.pth' says that it is from epoch 10, and nothing is left of --epochs 10"));
  options.start_epoch = 4;
  EXPECT_EQ(epochs_done_before(options, {{"some.pth", {}, "", 10}}), 4);
}

}  // namespace
}  // namespace lockstep::train::weights_from_elsewhere_test
