#include "lockstep/train/stages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lockstep/base/error.h"

namespace lockstep::train::stages_test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// A model of which only the names of its parts matter.
class NamedParts : public tasks::Model {
 public:
  torch::nn::Module& network() override { throw std::logic_error("not asked for"); }
  std::string backbone_prefix() const override { return "backbone."; }
  std::vector<std::string> backbone_stages() const override { return {"backbone.c.", "backbone.b.", "backbone.a."}; }
  at::Tensor losses(const tasks::DeviceBatch&) override { throw std::logic_error("not asked for"); }
  std::vector<tasks::Record> score(const tasks::DeviceBatch&) override { return {}; }
  std::vector<tasks::Example> illustrate(const tasks::DeviceBatch&) override { return {}; }
};

TrainOptions two_stages() {
  TrainOptions options;
  options.epochs = 10;
  options.stage1_epochs = 4;
  options.batch_size = 4;
  options.schedule.scheduler = "cosine";
  options.schedule.learning_rate = 1e-2;
  return options;
}

TEST(Stages, OneWithoutStage1Epochs) {
  TrainOptions options = two_stages();
  options.stage1_epochs = 0;
  const auto stages = plan_stages(options, 20, 2, {});
  ASSERT_EQ(stages.size(), 1U);
  EXPECT_EQ(stages[0].name, "");
  EXPECT_EQ(total_steps(stages), 30);
  EXPECT_THAT(frozen_prefixes(stages[0], 0, NamedParts()), IsEmpty());
}

TEST(Stages, EachHasItsOwnBatchRateAndSchedule) {
  TrainOptions options = two_stages();
  options.stage2_batch_size = 2;
  options.stage2_learning_rate = 1e-3;
  const auto stages = plan_stages(options, 20, 2, {});
  ASSERT_EQ(stages.size(), 2U);
  EXPECT_EQ(stages[0].batches.global_batch, 8U);
  EXPECT_EQ(stages[1].batches.global_batch, 4U);
  EXPECT_EQ(stages[0].steps(), 4 * 3);
  EXPECT_EQ(stages[1].first_step, 12);
  EXPECT_EQ(total_steps(stages), 12 + 6 * 5);
  EXPECT_EQ(stages[0].schedule.at(0).learning_rate, 1e-2);
  EXPECT_EQ(stages[1].schedule.at(0).learning_rate, 1e-3);
  EXPECT_EQ(stage_of(stages, 3).name, "stage 1");
  EXPECT_EQ(stage_of(stages, 4).name, "stage 2");
  EXPECT_EQ(stage_of(stages, 10).name, "stage 2");
  EXPECT_THAT(frozen_prefixes(stages[0], 3, NamedParts()), ElementsAre("backbone."));
  EXPECT_THAT(frozen_prefixes(stages[1], 4, NamedParts()), IsEmpty());
  EXPECT_EQ(epochs_after(stages, 12), 4);
  EXPECT_EQ(epochs_after(stages, 14), 4.4);
  EXPECT_EQ(epochs_after(stages, 6), 2);
  EXPECT_EQ(run_plan(stages).of_epoch(3).global_batch, 8U);
  EXPECT_EQ(run_plan(stages).of_epoch(4).global_batch, 4U);
}

TEST(Stages, SkippedStage1CountsAsDone) {
  TrainOptions options = two_stages();
  options.skip_stage1 = true;
  const auto stages = plan_stages(options, 20, 2, {});
  ASSERT_EQ(stages.size(), 1U);
  EXPECT_EQ(stages[0].first_epoch, 4);
  EXPECT_EQ(stages[0].first_step, 0);
  EXPECT_EQ(total_steps(stages), 6 * 3);
}

TEST(Stages, ProgressiveUnfreezeThawsFromDeepToShallowOverHalfTheStage) {
  TrainOptions options = two_stages();
  options.epochs = 12;
  options.progressive_unfreeze = true;
  const auto stages = plan_stages(options, 20, 2, {});
  const NamedParts model;
  EXPECT_THAT(frozen_prefixes(stages[1], 4, model), ElementsAre("backbone.b.", "backbone.a."));
  EXPECT_THAT(frozen_prefixes(stages[1], 5, model), ElementsAre("backbone.b.", "backbone.a."));
  EXPECT_THAT(frozen_prefixes(stages[1], 6, model), ElementsAre("backbone.a."));
  EXPECT_THAT(frozen_prefixes(stages[1], 8, model), IsEmpty());
}

TEST(Stages, AResumedRunKeepsTheGlobalBatchOfEachStage) {
  TrainOptions options = two_stages();
  options.stage2_batch_size = 2;
  const auto stages = plan_stages(options, 20, 1, {8, 4});
  EXPECT_EQ(stages[0].batches.global_batch, 8U);
  EXPECT_EQ(stages[0].batches.accumulation_steps(), 2U);
  EXPECT_EQ(stages[1].batches.global_batch, 4U);
}

TEST(Stages, OptionsThatContradictEachOtherAreRefused) {
  const auto refused = [](auto change) {
    TrainOptions options = two_stages();
    change(options);
    EXPECT_THROW(options.validate(), UsageError);
  };
  refused([](TrainOptions& options) { options.stage1_epochs = 11; });
  refused([](TrainOptions& options) { options.stage1_epochs = -1; });
  refused([](TrainOptions& options) {
    options.stage1_epochs = 0;
    options.stage2_learning_rate = 1e-3;
  });
  refused([](TrainOptions& options) {
    options.stage1_epochs = 10;
    options.skip_stage1 = true;
  });
  two_stages().validate();
}

}  // namespace
}  // namespace lockstep::train::stages_test
