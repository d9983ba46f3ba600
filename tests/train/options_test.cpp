#include "lockstep/train/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "lockstep/base/error.h"

namespace lockstep::train::options_test {
namespace {

TEST(TrainOptions, TheDefaultsAndTheSmallestNumbersAreFine) {
  EXPECT_NO_THROW(TrainOptions().validate());
  TrainOptions smallest;
  smallest.epochs = smallest.batch_size = smallest.accumulation_steps = smallest.evaluate_every = 1;
  smallest.keep_checkpoints = smallest.prefetch_factor = 1;
  smallest.max_steps = smallest.threads_per_rank = smallest.num_workers = 1;
  smallest.global_batch = 1;
  smallest.schedule.learning_rate = 1e-9;
  smallest.clip_norm = smallest.weight_decay = 0;
  smallest.watchdog_seconds = 1;
  EXPECT_NO_THROW(smallest.validate());
}

TEST(TrainOptions, ANumberOutOfItsRangeIsAnErrorThatNamesItsFlag) {
  struct Case {
    const char* flag;
    std::function<void(TrainOptions&)> spoil;
  };
  constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Case> cases = {
      {"--epochs", [](TrainOptions& options) { options.epochs = 0; }},
      {"--time-budget", [](TrainOptions& options) { options.time_budget = "soon"; }},
      {"--quota", [](TrainOptions& options) { options.quota = "0h"; }},
      {"--max-steps", [](TrainOptions& options) { options.max_steps = 0; }},
      {"--batch-size", [](TrainOptions& options) { options.batch_size = 0; }},
      {"--accumulation-steps", [](TrainOptions& options) { options.accumulation_steps = 0; }},
      {"--global-batch", [](TrainOptions& options) { options.global_batch = 0; }},
      {"--lr", [](TrainOptions& options) { options.schedule.learning_rate = 0; }},
      {"--lr", [](TrainOptions& options) { options.schedule.learning_rate = kNotANumber; }},
      {"--clip-norm", [](TrainOptions& options) { options.clip_norm = -1; }},
      {"--weight-decay", [](TrainOptions& options) { options.weight_decay = -1; }},
      {"--evaluate-every", [](TrainOptions& options) { options.evaluate_every = 0; }},
      {"--keep-checkpoints", [](TrainOptions& options) { options.keep_checkpoints = 0; }},
      {"--threads-per-rank", [](TrainOptions& options) { options.threads_per_rank = 0; }},
      {"--num-workers", [](TrainOptions& options) { options.num_workers = -1; }},
      {"--prefetch-factor", [](TrainOptions& options) { options.prefetch_factor = 0; }},
      {"--watchdog", [](TrainOptions& options) { options.watchdog_seconds = 0.5; }},
      {"--inject", [](TrainOptions& options) { options.faults = "hang"; }},
  };
  for (const Case& broken : cases) {
    TrainOptions options;
    broken.spoil(options);
    try {
      options.validate();
      ADD_FAILURE() << broken.flag << " was taken";
    } catch (const UsageError& error) {
      EXPECT_THAT(error.what(), testing::StartsWith(broken.flag));
    }
  }
}

TEST(TrainOptions, AMomentumThatTheScheduleMovesIsNoOption) {
  TrainOptions options;
  options.optimizer = "sgd";
  options.momentum = 0.8;
  options.schedule.scheduler = "cosine";
  EXPECT_NO_THROW(options.validate());
  options.schedule.scheduler = "onecycle";
  EXPECT_THROW(options.validate(), UsageError);
}

}  // namespace
}  // namespace lockstep::train::options_test
