#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <map>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "tests/support/logged_lines.h"
#include "tests/support/tiny_tasks.h"
#include "tests/train/runs.h"

/// What a step can be asked to do beside the plain one: two stages, averaged weights, precisions, optimizers.
namespace lockstep::train::engine_test {
namespace {

using testing::HasSubstr;

class Engine : public testing::TestWithParam<std::string> {
 protected:
  static std::unique_ptr<tasks::Task> task() { return test::make_tiny_task(GetParam()); }

  /// The parameters of the tiny networks that stand for a backbone.
  static std::string backbone() { return GetParam() == "patches" ? "first." : "embed."; }
};

INSTANTIATE_TEST_SUITE_P(Tasks, Engine, testing::Values("patches", "episodes"),
                         [](const auto& instance) { return instance.param; });

std::map<std::string, at::Tensor> model_of(const checkpoint::Snapshot& snapshot) {
  return {snapshot.model.begin(), snapshot.model.end()};
}

double mean_loss(const TempFolder& folder, std::size_t first, std::size_t last) {
  const auto steps = history(folder).steps;
  double sum = 0;
  for (std::size_t i = first; i < last; ++i) {
    sum += steps.at(i).loss;
  }
  return sum / static_cast<double>(last - first);
}

/// Two stages, an average, clipping, and a schedule with a state: all that a resume has to bring back.
TrainOptions everything_in(const TempFolder& folder, int ranks) {
  TrainOptions options = options_in(folder, ranks);
  options.epochs = 4;
  options.stage1_epochs = 2;
  options.stage2_learning_rate = 5e-4;
  options.ema_decay = 0.9;
  options.schedule.scheduler = "plateau";
  options.schedule.plateau_patience = 0;
  options.schedule.warmup_epochs = 0.5;
  return options;
}

TEST_P(Engine, TheBackboneRestsInStage1AndLearnsInStage2) {
  const TempFolder folder;
  TrainOptions options = everything_in(folder, 2);
  options.max_steps = 8;
  train(*task(), options);
  const auto fresh = task()->make_model(options.seed);
  const auto before = checkpoint::named_weights(fresh->network());
  const auto after = model_of(last_snapshot(folder));
  int rested = 0;
  int moved = 0;
  for (const auto& [name, tensor] : before) {
    const bool is_same = at::equal(tensor, after.at(name));
    if (name.starts_with(backbone())) {
      EXPECT_TRUE(is_same) << name;
      ++rested;
    } else {
      moved += is_same ? 0 : 1;
    }
  }
  EXPECT_GT(rested, 0);
  EXPECT_GT(moved, 0);
  for (const auto& [name, tensor] : last_snapshot(folder).optimizer) {
    EXPECT_EQ(name.find(backbone()), std::string::npos) << "state of a frozen parameter";
  }

  options.max_steps.reset();
  train(*task(), options);
  const auto end = model_of(last_snapshot(folder));
  for (const auto& [name, tensor] : before) {
    if (name.starts_with(backbone())) {
      EXPECT_FALSE(at::equal(tensor, end.at(name))) << name;
    }
  }
  EXPECT_EQ(history(folder).steps.at(0).learning_rate, options.schedule.learning_rate / 3) << "warm-up of stage 1";
  EXPECT_EQ(history(folder).steps.at(8).learning_rate, *options.stage2_learning_rate / 3) << "warm-up of stage 2";
}

TEST_P(Engine, ResumeBringsBackStagesAverageAndPlateauToTheBit) {
  const TempFolder reference;
  train(*task(), everything_in(reference, 2));
  for (const std::int64_t cut : {1, 7, 8, 9, 12}) {
    SCOPED_TRACE(text("stopped after step ", cut));
    const TempFolder folder;
    TrainOptions options = everything_in(folder, 2);
    options.max_steps = cut;
    EXPECT_EQ(train(*task(), options), RunEnd::kMaxSteps);
    options.max_steps.reset();
    EXPECT_EQ(train(*task(), options), RunEnd::kFinished);
    expect_same_runs(reference, folder);
  }
}

TEST_P(Engine, StagesAndAverageDoNotDependOnTheRankCount) {
  const TempFolder reference;
  train(*task(), everything_in(reference, 1));
  for (const int ranks : {2, 3}) {
    const TempFolder folder;
    train(*task(), everything_in(folder, ranks));
    expect_same_history(reference, folder, kRounding);
  }
}

TEST_P(Engine, TheAverageIsEvaluatedSavedAndBroughtHome) {
  const TempFolder folder;
  TrainOptions options = options_in(folder, 2);
  options.ema_decay = 0.5;
  options.ema_warmup = false;
  train(*task(), options);
  EXPECT_EQ(events(folder, "evaluate").size(), 3U);
  EXPECT_EQ(events(folder, "evaluate-raw").size(), 3U);
  const checkpoint::Snapshot last = last_snapshot(folder);
  ASSERT_EQ(last.ema.size(), last.model.size());
  const auto best = checkpoint::SnapshotFolder(folder.path()).best().value();
  EXPECT_EQ(read_file(folder / "model.safetensors"), read_file(best / "ema.safetensors"));
  EXPECT_NE(read_file(folder / "model.safetensors"), read_file(best / "model.safetensors"));
}

TEST_P(Engine, HowBucketsAreCutChangesNoBit) {
  const TempFolder reference;
  TrainOptions options = options_in(reference, 3);
  options.ema_decay = 0.9;
  train(*task(), options);
  for (const double mebibytes : {1e-6, 3e-4}) {
    const TempFolder folder;
    options.checkpoint_dir = folder.path();
    options.bucket_mebibytes = mebibytes;
    train(*task(), options);
    expect_same_history(reference, folder, 0);
    expect_same_tensors(last_snapshot(reference).model, last_snapshot(folder).model);
    expect_same_tensors(last_snapshot(reference).ema, last_snapshot(folder).ema);
  }
}

TEST_P(Engine, LearnsWithEveryOptimizerAndPrecision) {
  for (const std::string optimizer : {"adamw", "adam", "sgd"}) {
    for (const std::string precision : {"fp32", "bf16", "fp16"}) {
      SCOPED_TRACE(optimizer + " in " + precision);
      const TempFolder folder;
      TrainOptions options = options_in(folder, 2);
      options.epochs = 12;
      options.optimizer = optimizer;
      options.precision = precision;
      options.schedule.learning_rate = optimizer == "sgd" ? 2e-2 : 1e-2;
      EXPECT_EQ(train(*task(), options), RunEnd::kFinished);
      EXPECT_LT(mean_loss(folder, 44, 48), 0.95 * mean_loss(folder, 0, 4));
    }
  }
}

TEST_P(Engine, TheLossScaleIsCutWhereGradientsOverflowAndIsPartOfTheState) {
  const TempFolder reference;
  TrainOptions options = options_in(reference, 2);
  options.precision = "fp16";
  const auto overflowing = [&] {
    test::TinyTaskOptions broken;  // an infinite gradient behind a finite loss
    broken.gradient_fault = [](const data::Draw& draw) { return draw.epoch == 1; };
    return test::make_tiny_task(GetParam(), broken);
  };
  train(*overflowing(), options);
  const checkpoint::State end = last_snapshot(reference).state;
  EXPECT_EQ(end.loss_scaler.scale, 65536.0 / 16) << "four steps of the second epoch overflowed";
  EXPECT_EQ(end.updates, 8);
  EXPECT_EQ(events(reference, "skip").size(), 4U);
  EXPECT_EQ(warnings_with(reference, "skipped: its loss or gradient"), 0) << "a scale that is too high is no alarm";

  const TempFolder folder;
  options.checkpoint_dir = folder.path();
  options.max_steps = 6;
  train(*overflowing(), options);
  options.max_steps.reset();
  train(*overflowing(), options);
  expect_same_history(reference, folder, 0);
  expect_same_snapshots(reference, folder);
}

TEST_P(Engine, ASampleThatCannotBeLoadedDropsItsStepAndShiftsNoOther) {
  test::TinyTaskOptions broken;
  broken.load_fault = at_place(1, 10, []() -> double { throw std::bad_alloc(); });
  const TempFolder folder;
  TrainOptions options = options_in(folder, 2);
  EXPECT_EQ(train(*test::make_tiny_task(GetParam(), broken), options), RunEnd::kFinished);
  ASSERT_EQ(events(folder, "skip").size(), 1U);
  EXPECT_EQ(warnings_with(folder, "1 of 12 steps were dropped"), 1);
  const TempFolder reference;
  train(*task(), options_in(reference, 2));
  for (std::size_t i = 0; i < 12; ++i) {
    if (i != 5) {  // the sample's own step
      EXPECT_EQ(history(folder).steps[i].samples, history(reference).steps[i].samples) << "step " << i + 1;
    }
  }
}

TEST_P(Engine, TheLogTellsHowMuchWasReducedAndHowMuchOfItEarly) {
  const TempFolder folder;
  train(*task(), options_in(folder, 2));
  const auto epochs = events(folder, "epoch");
  ASSERT_EQ(epochs.size(), 3U);
  EXPECT_GT(epochs[0].at("reduced_bytes"), 0);
  EXPECT_LE(epochs[0].at("early_bytes"), epochs[0].at("reduced_bytes"));
  const TempFolder alone;
  train(*task(), options_in(alone, 1));
  EXPECT_EQ(events(alone, "epoch").at(0).at("reduced_bytes"), 0);
}

double sum_of(const nlohmann::json& seconds) {
  double sum = 0;
  for (const auto& [part, part_seconds] : seconds.items()) {
    sum += part_seconds.get<double>();
  }
  return sum;
}

TEST_P(Engine, TheLogTellsWhereTheTimeOfEachEpochWentWithItsEvaluation) {
  const TempFolder folder;
  const test::LoggedLines logged;
  train(*task(), options_in(folder, 1));
  const auto epochs = events(folder, "epoch");
  ASSERT_EQ(epochs.size(), 3U);
  double wall = 0;
  for (const nlohmann::json& epoch : epochs) {
    for (const char* part : {"forward", "backward", "update", "evaluate", "checkpoint"}) {
      EXPECT_GT(epoch.at("seconds").at(part), 0) << part;
    }
    EXPECT_EQ(epoch.at("seconds_of_rank"), 0);
    // Two clocks, read one after the other: what lies between them may be long on a machine with other things to do.
    EXPECT_NEAR(sum_of(epoch.at("seconds")), epoch.at("wall_seconds").get<double>(), 0.1);
    wall += epoch.at("wall_seconds").get<double>();
  }
  const nlohmann::json end = events(folder, "end").at(0);
  EXPECT_GE(end.at("wall_seconds").get<double>(), wall);
  EXPECT_NEAR(sum_of(end.at("seconds")), end.at("wall_seconds").get<double>(), 0.1);
  EXPECT_THAT(logged.text(), testing::ContainsRegex("epoch 3: [0-9.]+ s: .*evaluation [0-9]+ %"));
}

TEST_P(Engine, AnEpochIsClosedOnceAlsoWhereTheRunPauses) {
  const TempFolder folder;
  TrainOptions options = options_in(folder, 2);
  options.max_steps = 4;  // the first epoch
  train(*task(), options);
  EXPECT_EQ(events(folder, "epoch").size(), 1U);
  options.max_steps = 6;
  train(*task(), options);
  options.max_steps.reset();
  train(*task(), options);
  const auto epochs = events(folder, "epoch");
  ASSERT_EQ(epochs.size(), 3U);
  for (std::size_t i = 0; i < epochs.size(); ++i) {
    EXPECT_EQ(epochs[i].at("epoch"), i + 1);
  }
}

TEST_P(Engine, SaysWhenTheTargetWillBeReached) {
  const TempFolder folder;
  const test::LoggedLines logged;
  TrainOptions options = options_in(folder, 1);
  options.epochs = 5;
  options.max_steps = 8;
  options.target = (GetParam() == "patches" ? "dice" : "accuracy") + std::string("=0.01");
  train(*task(), options);
  options.max_steps.reset();
  train(*task(), options);
  EXPECT_THAT(logged.text(), HasSubstr("target " + options.target));
  const TempFolder other;
  options.checkpoint_dir = other.path();
  options.target = "beauty=0.5";
  train(*task(), options);
  EXPECT_EQ(warnings_with(other, "there is no metric of that name"), 5);
}

TEST(EngineWithBatchNorm, JoinsTheBatchesOfAllRanks) {
  const TempFolder reference;
  const auto in = [](const TempFolder& folder, int ranks) {
    TrainOptions options = options_in(folder, ranks);
    options.global_batch = 3;  // fewer than four ranks: one of them takes part with an empty batch
    options.batch_size = ranks == 1 ? 3 : 1;
    options.epochs = 2;
    options.sync_batch_norm = true;
    return options;
  };
  test::TinyTaskOptions tiny;
  tiny.batch_norm = true;
  train(*test::make_patch_task(tiny), in(reference, 1));
  for (const int ranks : {3, 4}) {
    SCOPED_TRACE(text(ranks, " ranks"));
    const TempFolder folder;
    train(*test::make_patch_task(tiny), in(folder, ranks));
    expect_same_history(reference, folder, kRounding);
  }
  EXPECT_THROW(train(*test::make_patch_task(), in(TempFolder(), 2)), UsageError) << "there is no batch norm";
}

TEST(EngineWithBatchNorm, SaysWhyALackOfMemoryEndsTheRunWhereBatchesAreJoined) {
  const TempFolder folder;
  TrainOptions options = options_in(folder, 2);
  options.sync_batch_norm = true;
  options.faults = "oom-forward@2,rank=1";
  test::TinyTaskOptions tiny;
  tiny.batch_norm = true;
  try {
    train(*test::make_patch_task(tiny), options);
    FAIL() << "the run went on";
  } catch (const MachineError& error) {
    EXPECT_THAT(error.what(),
                testing::AllOf(testing::HasSubstr("rank 1 failed: out of memory, as planted"),
                               testing::HasSubstr("with --sync-bn"), testing::HasSubstr("or leave out --sync-bn")));
  }
}

TEST(EngineWithoutABackbone, HasNoTwoStages) {
  const TempFolder folder;
  TrainOptions options = options_in(folder, 1);
  options.stage1_epochs = 1;
  test::TinyTaskOptions plain;
  plain.has_backbone = false;
  EXPECT_THROW(train(*test::make_patch_task(plain), options), UsageError);
}

}  // namespace
}  // namespace lockstep::train::engine_test
