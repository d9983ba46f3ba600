#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "lockstep/base/error.h"
#include "lockstep/base/faults.h"
#include "lockstep/base/files.h"
#include "lockstep/base/text.h"
#include "lockstep/data/epoch_order.h"
#include "tests/support/logged_lines.h"
#include "tests/support/tiny_tasks.h"
#include "tests/train/runs.h"

namespace lockstep::train::loop_test {
namespace {

using test::TempFolder;
using test::TinyTaskOptions;
using testing::HasSubstr;

/// Both tiny tasks go through the same loop.
class Loop : public testing::TestWithParam<std::string> {
 protected:
  static std::unique_ptr<tasks::Task> task(TinyTaskOptions options = {}) {
    return test::make_tiny_task(GetParam(), std::move(options));
  }
};

INSTANTIATE_TEST_SUITE_P(Tasks, Loop, testing::Values("patches", "episodes"),
                         [](const auto& instance) { return instance.param; });

TEST_P(Loop, LearnsAndLeavesARunFolder) {
  const TempFolder folder;
  TrainOptions options = options_in(folder, 2);
  options.epochs = 12;
  options.schedule.learning_rate = 2e-2;
  EXPECT_EQ(train(*task(), options), RunEnd::kFinished);

  const observe::RunHistory run = history(folder);
  ASSERT_EQ(run.steps.size(), 48U);
  EXPECT_LT(run.steps.back().loss, 0.8 * run.steps.front().loss);
  EXPECT_EQ(run.evaluations.size(), 12U);
  EXPECT_EQ(events(folder, "start").at(0).at("world_size"), 2);
  EXPECT_EQ(events(folder, "end").at(0).at("reason"), "finished");
  for (const char* name :
       {"metrics.json", "model.safetensors", "report.html", "checkpoints/last", "checkpoints/best"}) {
    EXPECT_TRUE(std::filesystem::exists(folder / name)) << name;
  }
}

TEST_P(Loop, RankCountChangesNoStepsSamplesAndLossesByRoundingOnly) {
  const TempFolder reference;
  train(*task(), options_in(reference, 1));
  ASSERT_EQ(history(reference).steps.size(), 12U);
  for (const int ranks : {2, 3, 4}) {
    SCOPED_TRACE(text(ranks, " ranks"));
    const TempFolder folder;
    train(*task(), options_in(folder, ranks));
    expect_same_history(reference, folder, kRounding);
  }
}

TEST_P(Loop, ABatchMayBeSmallerThanTheRankCount) {
  const TempFolder reference;
  const TempFolder folder;
  for (const auto& [place, ranks] : {std::pair(&reference, 1), std::pair(&folder, 4)}) {
    TrainOptions options = options_in(*place, ranks);
    options.global_batch = 3;
    options.epochs = 1;
    train(*task(), options);
  }
  EXPECT_EQ(history(folder).steps.size(), 8U);
  expect_same_history(reference, folder, kRounding);
}

TEST_P(Loop, AccumulationChangesNothingButRounding) {
  const TempFolder whole;
  const TempFolder halves;
  for (const auto& [place, batch] : {std::pair(&whole, 4), std::pair(&halves, 2)}) {
    TrainOptions options = options_in(*place, 1);
    options.global_batch.reset();
    options.batch_size = batch;
    options.accumulation_steps = 4 / batch;
    train(*task(), options);
  }
  EXPECT_EQ(events(halves, "start").at(0).at("global_batch"), 4);
  expect_same_history(whole, halves, kRounding);
}

TEST_P(Loop, ARunRepeatedIsTheSameToTheBit) {
  const TempFolder first;
  const TempFolder second;
  train(*task(), options_in(first, 3));
  train(*task(), options_in(second, 3));
  expect_same_runs(first, second);
}

TEST_P(Loop, ResumeContinuesToTheSameBitsWhereverTheRunStopped) {
  const TempFolder reference;
  train(*task(), options_in(reference, 2));
  for (const std::int64_t cut : {1, 3, 4, 6}) {
    SCOPED_TRACE(text("stopped after step ", cut));
    const TempFolder folder;
    TrainOptions options = options_in(folder, 2);
    options.max_steps = cut;
    EXPECT_EQ(train(*task(), options), RunEnd::kMaxSteps);
    EXPECT_EQ(last_snapshot(folder).state.step, cut);
    options.max_steps.reset();
    EXPECT_EQ(train(*task(), options), RunEnd::kFinished);
    expect_same_runs(reference, folder);
  }
}

TEST_P(Loop, SnapshotsBesideTheRunChangeNoBitAndAreThoseOfTheirStep) {
  const TempFolder reference;
  train(*task(), options_in(reference, 2));
  const TempFolder folder;
  TrainOptions options = options_in(folder, 2);
  options.checkpoint_minutes = 1e-9;
  options.keep_checkpoints = 100;
  train(*task(), options);
  expect_same_runs(reference, folder);

  const std::vector<nlohmann::json> written = events(folder, "checkpoint");
  ASSERT_GE(written.size(), 6U) << "three after epochs, each of them amended, and what the disk was fast enough for";
  for (const nlohmann::json& event : written) {
    const auto step = event.at("step").get<std::int64_t>();
    const TempFolder stopped;
    TrainOptions shorter = options_in(stopped, 2);
    shorter.max_steps = step;
    train(*task(), shorter);
    SCOPED_TRACE(step);
    const auto snapshot = checkpoint::load_snapshot(folder / event.at("path").get<std::string>());
    expect_same_tensors(snapshot.model, last_snapshot(stopped).model);
    expect_same_tensors(snapshot.optimizer, last_snapshot(stopped).optimizer);
  }
}

/// Puts a file where the snapshots are; the second call takes it away again.
double swap_snapshots(const TempFolder& folder) {
  if (!std::filesystem::exists(folder / "aside")) {
    write_file_atomically(folder / "aside", "no folder");
  }
  // At once: a snapshot may be on its way.
  ::renameat2(AT_FDCWD, (folder / "checkpoints").c_str(), AT_FDCWD, (folder / "aside").c_str(), RENAME_EXCHANGE);
  return 0;
}

TEST_P(Loop, ASnapshotThatCannotBeWrittenIsAWarningAndTriedAgain) {
  const TempFolder folder;
  TinyTaskOptions broken;
  broken.disturbance = [&](const data::Draw& draw) {
    return draw.epoch >= 1 && draw.position == 0 ? swap_snapshots(folder) : 0.0;
  };
  EXPECT_EQ(train(*task(broken), options_in(folder, 2)), RunEnd::kFinished);
  EXPECT_GE(warnings_with(folder, "the snapshot of step 8 could not be written"), 1);
  const TempFolder reference;
  train(*task(), options_in(reference, 2));
  expect_same_history(reference, folder, 0);
  EXPECT_EQ(last_snapshot(folder).state.step, 12);
}

void wait_until(const std::function<bool()>& condition) {
  while (!condition()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

/// Fills the disk in the second step of the second epoch, when the snapshot of the first one is whole and amended.
double fill_disk(const TempFolder& folder) {
  wait_until([&] { return events(folder, "checkpoint").size() == 2; });
  let_writes_fail();
  return 0;
}

int count(const std::string& words, const std::string& lines) {
  int found = 0;
  for (std::size_t at = lines.find(words); at != std::string::npos; at = lines.find(words, at + 1)) {
    ++found;
  }
  return found;
}

TEST_P(Loop, ADiskThatIsFullForAWhileCostsNoStepAndNoRecord) {
  const TempFolder folder;
  const test::LoggedLines lines;
  TinyTaskOptions broken;  // until the third step of the third epoch
  broken.disturbance = [&](const data::Draw& draw) {
    if (draw.epoch == 1 && draw.position == 6) {
      return fill_disk(folder);
    }
    if (draw.epoch == 2 && draw.position == 12) {
      wait_until([&] { return count("the snapshot of step 8 could not be written", lines.text()) >= 2; });
      let_writes_fail(0);
    }
    return 0.0;
  };
  EXPECT_EQ(train(*task(broken), options_in(folder, 2)), RunEnd::kFinished);
  EXPECT_EQ(warnings_with(folder, "run.jsonl': No space left on device; free some disk space; training goes on"), 1);
  EXPECT_GE(warnings_with(folder, "the snapshot of step 8 could not be written"), 2);
  EXPECT_EQ(warnings_with(folder, "the metrics stand in the log"), 1);
  EXPECT_THAT(lines.text(), HasSubstr("the log is written again"));
  const TempFolder reference;
  train(*task(), options_in(reference, 2));
  expect_same_history(reference, folder, 0);
  expect_same_snapshots(reference, folder);
  EXPECT_EQ(read_text(folder / "metrics.json"), read_text(reference / "metrics.json"));
}

TEST_P(Loop, ADiskThatStaysFullEndsTheRunAfterItsLastStepWithTheGoodSnapshotsAsTheyWere) {
  const TempFolder folder;
  TinyTaskOptions broken;
  broken.disturbance = at_place(1, 6, [&] { return fill_disk(folder); });
  try {
    train(*task(broken), options_in(folder, 2));
    let_writes_fail(0);
    FAIL() << "the result has not been written";
  } catch (const MachineError& error) {
    let_writes_fail(0);
    EXPECT_THAT(error.what(), HasSubstr("No space left on device; free some disk space"));
  }
  EXPECT_THAT(last_snapshot(folder).state.step, testing::AnyOf(4, 8));
  EXPECT_EQ(train(*task(), options_in(folder, 2)), RunEnd::kFinished);
  const TempFolder reference;
  train(*task(), options_in(reference, 2));
  expect_same_history(reference, folder, 0);
  expect_same_snapshots(reference, folder);
}

TEST_P(Loop, ARunIsNotBegunOnADiskThatIsFull) {
  const TempFolder folder;
  const auto tiny = task();
  let_writes_fail();
  EXPECT_THROW(train(*tiny, options_in(folder, 2)), MachineError);
  let_writes_fail(0);
  EXPECT_TRUE(events(folder, "step").empty());
}

TEST_P(Loop, WhereTheLastSnapshotCannotBeWrittenTheRunEndsWithThat) {
  const TempFolder folder;
  TinyTaskOptions broken;
  broken.disturbance = at_place(2, 0, [&] { return swap_snapshots(folder); });
  EXPECT_THROW(train(*task(broken), options_in(folder, 2)), MachineError);
  EXPECT_EQ(events(folder, "step").size(), 12U);
  swap_snapshots(folder);
  EXPECT_EQ(train(*task(), options_in(folder, 2)), RunEnd::kFinished);
  const TempFolder reference;
  train(*task(), options_in(reference, 2));
  expect_same_history(reference, folder, 0);
}

TEST_P(Loop, ResumesOnAnotherRankCountWithTheSameSamples) {
  const TempFolder reference;
  train(*task(), options_in(reference, 2));
  const TempFolder folder;
  TrainOptions options = options_in(folder, 2);
  options.max_steps = 5;
  train(*task(), options);
  options.max_steps.reset();
  options.devices = "cpu:3";
  train(*task(), options);
  expect_same_history(reference, folder, kRounding);
}

TEST_P(Loop, AFinishedRunTakesNoFurtherStep) {
  const TempFolder folder;
  train(*task(), options_in(folder, 2));
  const std::size_t steps = events(folder, "step").size();
  EXPECT_EQ(train(*task(), options_in(folder, 2)), RunEnd::kFinished);
  EXPECT_EQ(events(folder, "step").size(), steps);
}

TEST_P(Loop, AStepThatFailsOnOneRankIsDroppedOnAll) {
  TinyTaskOptions broken;  // position 10: the second step of the epoch, in the share of the last of two ranks
  broken.disturbance = at_place(1, 10, []() -> double { throw std::runtime_error("the coffee is spilt"); });
  const TempFolder folder;
  EXPECT_EQ(train(*task(broken), options_in(folder, 2)), RunEnd::kFinished);
  EXPECT_EQ(last_snapshot(folder).state.step, 12);
  EXPECT_EQ(last_snapshot(folder).state.updates, 11);
  const std::vector<nlohmann::json> skips = events(folder, "skip");
  ASSERT_EQ(skips.size(), 1U);
  EXPECT_EQ(skips[0].at("step"), 6);
  EXPECT_EQ(skips[0].at("failure"), "rank 1: the coffee is spilt");
  EXPECT_EQ(warnings_with(folder, "step 6 dropped"), 1);
  EXPECT_EQ(warnings_with(folder, "1 of 12 steps were dropped"), 1);

  const TempFolder reference;  // every step saw its samples, also those that the failed rank did not come to
  train(*task(), options_in(reference, 2));
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_EQ(history(folder).steps[i].samples, history(reference).steps[i].samples);
  }
}

TEST_P(Loop, ThreeStepsThatFailInARowEndTheRunAndTheSameCommandResumesIt) {
  const TempFolder folder;
  TinyTaskOptions broken;
  broken.disturbance = [](const data::Draw& draw) -> double {
    return draw.epoch == 1 ? throw std::runtime_error("the coffee is spilt") : 0.0;
  };
  try {
    train(*task(broken), options_in(folder, 2));
    FAIL() << "the run went on";
  } catch (const TrainingError& error) {
    EXPECT_THAT(error.what(), HasSubstr("rank 0: the coffee is spilt, rank 1: the coffee is spilt"));
  }
  EXPECT_THAT(events(folder, "end").at(0).at("reason").get<std::string>(), testing::StartsWith("failed"));
  EXPECT_EQ(last_snapshot(folder).state.epoch, 1);

  const TempFolder reference;
  train(*task(), options_in(reference, 2));
  train(*task(), options_in(folder, 2));
  expect_same_history(reference, folder, 0);
  expect_same_snapshots(reference, folder);
}

TEST_P(Loop, AnEvaluationThatFailsLeavesItsEpochSavedAndIsMadeFirstWhenTheRunResumes) {
  const TempFolder folder;
  TinyTaskOptions broken;
  broken.claimed_metric = [](double) -> double { throw DataError("'a.png' is broken", "mend it"); };
  EXPECT_THROW(train(*task(broken), options_in(folder, 2)), DataError);
  EXPECT_EQ(last_snapshot(folder).state.step, 4);
  EXPECT_EQ(last_snapshot(folder).state.epoch, 1);
  EXPECT_EQ(events(folder, "step").size(), 4U);

  train(*task(), options_in(folder, 2));
  EXPECT_EQ(events(folder, "step").size(), 12U) << "no step was made twice";
  EXPECT_EQ(events(folder, "evaluate").at(0).at("step"), 4);
  const TempFolder reference;
  train(*task(), options_in(reference, 2));
  expect_same_runs(reference, folder);
}

TEST_P(Loop, AnErrorInAStepSavesTheStepsBeforeIt) {
  const TempFolder reference;
  train(*task(), options_in(reference, 2));
  for (const std::uint64_t position : {6, 10}) {  // of the second step of an epoch, in the shares of either rank
    SCOPED_TRACE(position);
    TinyTaskOptions broken;
    broken.load_fault = at_place(1, position, []() -> double { throw DataError("the folder has gone", "mount it"); });
    const TempFolder folder;
    EXPECT_THROW(train(*task(broken), options_in(folder, 2)), DataError);
    EXPECT_EQ(last_snapshot(folder).state.step, 5);
    train(*task(), options_in(folder, 2));
    EXPECT_EQ(events(folder, "start").at(1).at("step"), 5);
    expect_same_runs(reference, folder);
  }
}

TEST_P(Loop, ASignalDuringAnEvaluationEndsItAtOnce) {
  const TempFolder reference;
  train(*task(), options_in(reference, 2));
  for (const int evaluation : {0, 2}) {  // the last one, too
    SCOPED_TRACE(evaluation);
    std::atomic<int> begun = 0;
    TinyTaskOptions interrupted;
    interrupted.evaluation_load_fault = [&](const data::Draw& draw) {
      if (draw.position == 0 && begun++ == evaluation) {
        std::raise(SIGTERM);
      }
      return 0.0;
    };
    const TempFolder folder;
    EXPECT_EQ(train(*task(interrupted), options_in(folder, 2)), RunEnd::kStopped);
    EXPECT_EQ(events(folder, "evaluate").size(), static_cast<std::size_t>(evaluation));
    EXPECT_EQ(events(folder, "step").size(), 4 * static_cast<std::size_t>(evaluation + 1)) << "no step more";
    EXPECT_EQ(begun, evaluation + 1) << "whoever stops a run waits for no pictures";
    EXPECT_EQ(train(*task(), options_in(folder, 2)), RunEnd::kFinished);
    expect_same_runs(reference, folder);
  }
}

TEST_P(Loop, AnEvaluationThatOneRankLeavesGivesNothingOnAnyRank) {
  const auto tiny = task();
  parallel::launch(std::vector<c10::Device>(3, c10::kCPU), {}, [&](parallel::Rank& rank) {
    const auto model = tiny->make_model(3);
    data::DecodePool pool(1);
    SweepOptions options{.batch_size = 2};
    EXPECT_TRUE(evaluate_or_leave(rank, *tiny, *model, pool, options).has_value());
    options.leave = [&] { return rank.index == 1; };
    EXPECT_FALSE(evaluate_or_leave(rank, *tiny, *model, pool, options).has_value());
  });
}

TEST_P(Loop, AMetricThatIsNotANumberIsNeverTheBest) {
  const TempFolder folder;
  TinyTaskOptions broken;
  broken.claimed_metric = [](double) { return not_a_number(); };
  TrainOptions options = options_in(folder, 2);
  options.max_steps = 4;
  EXPECT_EQ(train(*task(broken), options), RunEnd::kMaxSteps);
  EXPECT_EQ(events(folder, "evaluate").size(), 1U);
  EXPECT_FALSE(std::filesystem::exists(folder / "checkpoints/best"));
  EXPECT_FALSE(last_snapshot(folder).state.best.has_value());

  options.max_steps.reset();
  EXPECT_EQ(train(*task(), options), RunEnd::kFinished);
  EXPECT_GT(last_snapshot(folder).state.best.value().step, 4);
  EXPECT_TRUE(std::filesystem::exists(folder / "checkpoints/best"));
}

TEST_P(Loop, ALossThatIsNotFiniteSkipsTheStepOnAllRanks) {
  TinyTaskOptions broken;
  broken.disturbance = at_place(0, 8, not_a_number);
  const TempFolder folder;
  const auto faulty = task(broken);
  TrainOptions options = options_in(folder, 3);
  options.max_steps = 1;
  train(*faulty, options);
  const checkpoint::Snapshot before = last_snapshot(folder);
  options.max_steps = 2;
  train(*faulty, options);
  const checkpoint::Snapshot after = last_snapshot(folder);
  EXPECT_EQ(after.state.step, 2);
  EXPECT_EQ(after.state.updates, 1);
  expect_same_tensors(before.model, after.model);
  expect_same_tensors(before.optimizer, after.optimizer);

  options.max_steps.reset();
  train(*faulty, options);
  EXPECT_EQ(last_snapshot(folder).state.step, 12);
  EXPECT_EQ(last_snapshot(folder).state.updates, 11);
  const std::vector<nlohmann::json> skips = events(folder, "skip");
  ASSERT_EQ(skips.size(), 1U);
  EXPECT_EQ(skips[0].at("step"), 2);
  EXPECT_EQ(warnings_with(folder, "step 2 skipped"), 1);
  EXPECT_EQ(warnings_with(folder, "1 of 12 steps were skipped"), 1);
  const std::uint64_t sample = data::shuffled_order(options.seed, 0, faulty->training_set().size())[8];
  EXPECT_EQ(skips[0].at("samples"), faulty->training_set().name(sample));
}

TEST_P(Loop, EvaluationIsTheSameToTheBitOnAnyRankCount) {
  const auto tiny = task();
  std::optional<std::map<std::string, double>> expected;
  for (const int ranks : {1, 2, 3, 4}) {
    parallel::launch(std::vector<c10::Device>(static_cast<std::size_t>(ranks), c10::kCPU), {},
                     [&](parallel::Rank& rank) {
                       const auto model = tiny->make_model(3);
                       data::DecodePool pool(1);
                       const auto metrics = evaluate(rank, *tiny, *model, pool, /*batch_size=*/2, {});
                       if (rank.is_first()) {
                         expected = expected.value_or(metrics);
                         EXPECT_EQ(metrics, *expected) << ranks << " ranks";
                       }
                     });
  }
}

TEST_P(Loop, RefusesToGoOnWithADatasetOfAnotherSize) {
  const TempFolder folder;
  TrainOptions options = options_in(folder, 1);
  options.max_steps = 2;
  train(*task(), options);
  TinyTaskOptions grown;
  grown.training_samples = 23;
  EXPECT_THROW(train(*task(grown), options), DataError);
}

TEST_P(Loop, ARunGoesOnWithItsOwnGlobalBatchAndSeedOnly) {
  const TempFolder folder;
  TrainOptions options = options_in(folder, 1);
  options.max_steps = 1;
  train(*task(), options);
  options.max_steps = 2;
  options.global_batch = kGlobalBatch + 1;
  EXPECT_THROW(train(*task(), options), UsageError);
  options.global_batch = kGlobalBatch;
  options.seed += 1;
  EXPECT_THROW(train(*task(), options), UsageError);
  EXPECT_EQ(last_snapshot(folder).state.step, 1);

  options.seed -= 1;
  EXPECT_EQ(train(*task(), options), RunEnd::kMaxSteps);
  options.max_steps = 3;
  options.global_batch.reset();
  EXPECT_EQ(train(*task(), options), RunEnd::kMaxSteps);
  EXPECT_EQ(last_snapshot(folder).state.global_batches, std::vector<std::int64_t>{kGlobalBatch});
}

TEST(LoopWithUnusedParameters, NeedsNoFlagAndLeavesThemAlone) {
  const TempFolder folder;
  train(*test::make_patch_task(), options_in(folder, 2));
  for (const auto& [name, tensor] : last_snapshot(folder).model) {
    if (name == "spare") {
      EXPECT_TRUE(at::equal(tensor, at::ones({3, 3}))) << "neither moved nor decayed";
      return;
    }
  }
  FAIL() << "a parameter is missing from the snapshot";
}

}  // namespace
}  // namespace lockstep::train::loop_test
