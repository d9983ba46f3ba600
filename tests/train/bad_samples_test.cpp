#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lockstep/base/error.h"
#include "lockstep/train/autotune.h"
#include "tests/support/logged_lines.h"
#include "tests/support/tiny_tasks.h"
#include "tests/train/runs.h"

/// What becomes of a run some of whose samples cannot be read (--max-bad-samples).
namespace lockstep::train::bad_samples_test {
namespace {

using testing::HasSubstr;

/// A task some of whose training samples cannot be read.
std::unique_ptr<tasks::Task> task_without(std::function<bool(const data::Draw&)> is_bad) {
  test::TinyTaskOptions options;
  options.load_fault = [is_bad = std::move(is_bad)](const data::Draw& draw) {
    if (is_bad(draw)) {
      throw DataError(text("file ", draw.index, " is empty"), "restore it");
    }
    return 0.0;
  };
  return test::make_tiny_task("patches", options);
}

bool is_of_two(const data::Draw& draw) { return draw.index == 4 || draw.index == 17; }

TEST(BadSamplesOfARun, AreLeftOutWithAnyNumberOfRanks) {
  const TempFolder alone;
  const TempFolder together;
  for (const auto& [folder, ranks] : {std::pair(&alone, 1), std::pair(&together, 2)}) {
    TrainOptions options = options_in(*folder, ranks);
    options.max_bad_samples = 2;
    EXPECT_EQ(train(*task_without(is_of_two), options), RunEnd::kFinished);
    EXPECT_EQ(warnings_with(*folder, "is left out: file 4 is empty; restore it"), 1);
    EXPECT_EQ(warnings_with(*folder, "is left out: file 17 is empty; restore it"), 1);
    EXPECT_EQ(warnings_with(*folder, "2 samples that cannot be read were left out"), 1);
  }
  expect_same_history(alone, together, kRounding);
}

TEST(BadSamplesOfARun, OneTooManyEndsItWithTheList) {
  const TempFolder folder;
  TrainOptions options = options_in(folder, 1);
  options.max_bad_samples = 1;
  try {
    train(*task_without(is_of_two), options);
    FAIL() << "no error";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("2 samples cannot be read, and --max-bad-samples allows for 1: (1) file 17 is "
                                        "empty; restore it; (2) file 4 is empty; restore it; "));
  }
}

TEST(BadSamplesOfARun, NoneIsLeftOutUnlessItIsAllowed) {
  const TempFolder folder;
  EXPECT_THROW(train(*task_without(is_of_two), options_in(folder, 1)), DataError);
}

TEST(BadSamplesOfARun, AStepWithoutSamplesMovesNothing) {
  // All of the second step of the first epoch.
  const auto is_bad = [](const data::Draw& draw) {
    return draw.epoch == 0 && draw.position >= kGlobalBatch && draw.position < 2 * kGlobalBatch;
  };
  const TempFolder before;
  const TempFolder after;
  for (const auto& [folder, steps] : {std::pair(&before, 1), std::pair(&after, 2)}) {
    TrainOptions options = options_in(*folder, 2);
    options.max_bad_samples = kGlobalBatch;
    options.max_steps = steps;
    options.ema_decay = 0.9;
    train(*task_without(is_bad), options);
  }
  const checkpoint::Snapshot first = last_snapshot(before);
  const checkpoint::Snapshot second = last_snapshot(after);
  expect_same_tensors(first.model, second.model);
  expect_same_tensors(first.ema, second.ema);
  expect_same_tensors(first.optimizer, second.optimizer);
  EXPECT_EQ(second.state.step, 2);
  EXPECT_EQ(second.state.updates, 1);
  EXPECT_EQ(second.state.skipped, 0);
  EXPECT_EQ(history(after).steps.at(1).gradient_norm, 0);
  EXPECT_EQ(history(after).steps.at(1).loss, 0);
}

TEST(BadSamplesOfARun, ARunOfEmptyStepsIsNotOneOfInfiniteLosses) {
  const TempFolder folder;
  TrainOptions options = options_in(folder, 1);
  options.max_bad_samples = 22;
  options.epochs = 6;  // 24 steps: more than may be skipped one after the other
  EXPECT_EQ(train(*task_without([](const data::Draw&) { return true; }), options), RunEnd::kFinished);
  EXPECT_EQ(last_snapshot(folder).state.skipped, 0);
}

TEST(BadSamplesOfARun, AreNamedOnceByAutotuneAndTheRunTogether) {
  const TempFolder folder;
  TrainOptions options = options_in(folder, 1);
  options.max_bad_samples = 1;
  const auto task = task_without([](const data::Draw& draw) { return draw.epoch == 0 && draw.position == 0; });
  const parallel::World world(parallel::parse_devices(options.devices));
  const checkpoint::RunFolder run_folder(folder.path());
  const test::LoggedLines logged;
  data::BadSamples bad_samples(1);
  autotune(world, *task, options, bad_samples);
  EXPECT_EQ(bad_samples.count(), 1U);
  EXPECT_EQ(run(world, *task, options, &run_folder, nlohmann::json::object(), &bad_samples), RunEnd::kFinished);
  const std::string words = logged.text();
  const std::size_t first = words.find("bad sample 1 of at most 1 is left out");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(words.find("bad sample 1 of", first + 1), std::string::npos);
  EXPECT_EQ(warnings_with(folder, "1 sample that cannot be read was left out"), 1);
}

TEST(BadSamplesOfARun, AnEvaluationOfNothingSaysSo) {
  test::TinyTaskOptions broken;
  broken.evaluation_load_fault = [](const data::Draw& draw) -> double {
    throw DataError(text("file ", draw.index, " is empty"), "restore it");
  };
  for (const int ranks : {1, 2}) {
    const TempFolder folder;
    TrainOptions options = options_in(folder, ranks);
    options.max_bad_samples = 7;
    try {
      train(*test::make_tiny_task("patches", broken), options);
      FAIL() << "no error";
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr("no sample of the evaluation set can be read"));
    }
  }
}

}  // namespace
}  // namespace lockstep::train::bad_samples_test
