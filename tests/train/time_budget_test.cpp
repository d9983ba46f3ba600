#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <atomic>
#include <fstream>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/train/clock_watch.h"
#include "tests/support/tiny_tasks.h"
#include "tests/train/runs.h"

namespace lockstep::train::time_budget_test {
namespace {

/// The clock of these tests, which so depend on no time: what the calling rank has done since its thread began, a
/// second for each sample that it has trained on, and some for each evaluation.
thread_local double seconds_of_rank = 0;
constexpr double kSecondsOfEvaluation = 3;
constexpr double kSecondsOfLongEvaluation = 30;

/// Lets a run last so many of these seconds.
TrainOptions within(TrainOptions options, int seconds) {
  options.time_budget = text(seconds);
  options.age_seconds = [] { return seconds_of_rank; };
  return options;
}

/// Lets the clock go on as the task is worked on.
test::TinyTaskOptions clocked(test::TinyTaskOptions options, double seconds_of_evaluation = kSecondsOfEvaluation) {
  options.disturbance = [](const data::Draw&) {
    ++seconds_of_rank;
    return 0.0;
  };
  options.claimed_metric = [claimed = options.claimed_metric, seconds_of_evaluation](double metric) {
    seconds_of_rank += seconds_of_evaluation;
    return claimed(metric);
  };
  return options;
}

/// Starts a run with a budget again and again until it has finished; gives the steps after which it was stopped.
std::vector<std::int64_t> train_in_starts(const tasks::Task& task, const TempFolder& folder,
                                          const TrainOptions& options) {
  std::vector<std::int64_t> stops;
  while (train(task, options) == RunEnd::kOutOfTime) {
    stops.push_back(last_snapshot(folder).state.step);
    if (stops.size() > 24) {
      ADD_FAILURE() << "no end";
      break;
    }
  }
  return stops;
}

class ATimeBudget : public testing::TestWithParam<std::string> {
 protected:
  static std::unique_ptr<tasks::Task> task(test::TinyTaskOptions options = {}) {
    return test::make_tiny_task(GetParam(), clocked(std::move(options)));
  }
};

INSTANTIATE_TEST_SUITE_P(Tasks, ATimeBudget, testing::Values("patches", "episodes"),
                         [](const auto& instance) { return instance.param; });

TEST_P(ATimeBudget, StopsTheRunAndTheSameCommandContinuesToTheSameBits) {
  for (const int ranks : {1, 3}) {
    const TempFolder reference;
    train(*task(), options_in(reference, ranks));
    bool stopped_within_an_epoch = false;
    for (const int seconds : ranks == 1 ? std::vector{24, 30, 45, 60} : std::vector{24, 26, 28, 30}) {
      SCOPED_TRACE(text(ranks, " ranks, ", seconds, " s"));
      const TempFolder folder;
      const std::vector<std::int64_t> stops =
          train_in_starts(*task(), folder, within(options_in(folder, ranks), seconds));
      EXPECT_FALSE(stops.empty());
      for (const std::int64_t step : stops) {
        stopped_within_an_epoch |= step % 4 != 0;
      }
      expect_same_runs(reference, folder);
      EXPECT_THAT(events(folder, "end").front().at("reason").get<std::string>(), testing::HasSubstr("end of its time"));
    }
    EXPECT_TRUE(stopped_within_an_epoch);
  }
}

TEST_P(ATimeBudget, EvaluatesWhereItStopsWithoutATraceInTheRun) {
  const TempFolder reference;
  const TempFolder folder;
  for (const TempFolder* place : {&reference, &folder}) {
    TrainOptions options = options_in(*place, 2);
    options.schedule.scheduler = "plateau";
    options.schedule.plateau_patience = 0;
    options.ema_decay = 0.9;
    if (place == &folder) {
      options = within(options, 46);
      EXPECT_EQ(train(*task(), options), RunEnd::kOutOfTime);
      const checkpoint::State state = last_snapshot(folder).state;
      ASSERT_NE(state.step_in_epoch, 0) << "a time that ends in an epoch is asked for";
      EXPECT_LT(state.evaluated_step, state.step);
      const auto metrics = nlohmann::json::parse(read_text(folder / "metrics.json"));
      EXPECT_EQ(metrics.at("step"), state.step);
      EXPECT_EQ(metrics.at("at_stop"), true);
      EXPECT_EQ(events(folder, "evaluate-at-stop").size(), 1U);
      options.time_budget.clear();
    }
    EXPECT_EQ(train(*task(), options), RunEnd::kFinished);
  }
  EXPECT_FALSE(nlohmann::json::parse(read_text(folder / "metrics.json")).contains("at_stop"));
  expect_same_runs(reference, folder);
}

TEST_P(ATimeBudget, BringsHomeTheBetterOfTheBestAndTheLastWeights) {
  for (const bool improves : {true, false}) {
    SCOPED_TRACE(improves);
    std::atomic<int> evaluations = 0;
    test::TinyTaskOptions options;
    options.claimed_metric = [&](double) { return improves ? ++evaluations : -(++evaluations); };
    const TempFolder folder;
    EXPECT_EQ(train(*task(options), within(options_in(folder, 1), 50)), RunEnd::kOutOfTime);
    const checkpoint::SnapshotFolder snapshots(folder.path());
    ASSERT_EQ(events(folder, "evaluate-at-stop").size(), 1U);
    ASSERT_NE(snapshots.best(), snapshots.last());
    const auto expected = improves ? snapshots.last() : snapshots.best();
    EXPECT_EQ(read_file(folder / "model.safetensors"), read_file(*expected / "model.safetensors"));
  }
}

TEST_P(ATimeBudget, SaysWhatFitsAfterTheFirstStepsAndAtEachEpoch) {
  const TempFolder folder;
  TrainOptions options = options_in(folder, 2);
  options.epochs = 40;
  options.global_batch = 2;  // eleven steps an epoch
  EXPECT_EQ(train(*task(), within(options, 85)), RunEnd::kOutOfTime);
  const std::vector<nlohmann::json> told = events(folder, "budget");
  ASSERT_GE(told.size(), 3U);
  EXPECT_EQ(told.at(0).at("step"), 5);
  EXPECT_EQ(told.at(1).at("step"), 11);
  const std::int64_t epochs = last_snapshot(folder).state.epoch;
  EXPECT_GE(epochs, 2);
  for (const nlohmann::json& record : told) {
    EXPECT_NEAR(record.at("epochs_that_fit").get<double>(), static_cast<double>(epochs), 2) << record;
    for (const char* part : {"step_seconds", "finish_seconds"}) {
      EXPECT_GT(record.at(part), 0) << part;
    }
  }
  EXPECT_EQ(told.back().at("evaluation_seconds"), kSecondsOfEvaluation);
  const checkpoint::Costs costs = last_snapshot(folder).state.costs;
  EXPECT_GT(costs.step * costs.evaluation * costs.save * costs.finish, 0) << "the next start knows them";
}

TEST_P(ATimeBudget, ThatIsNotUsedUpChangesNothing) {
  const TempFolder reference;
  const TempFolder folder;
  train(*task(), options_in(reference, 2));
  EXPECT_EQ(train(*task(), within(options_in(folder, 2), 1000000)), RunEnd::kFinished);
  expect_same_runs(reference, folder);
  EXPECT_TRUE(events(folder, "evaluate-at-stop").empty());
}

TEST_P(ATimeBudget, IsNotOverrunByAStepBehindALongRehearsal) {
  const TempFolder folder;
  constexpr int kSamplesOfFiveSteps = 22 + kGlobalBatch;
  constexpr int kSecondsLeft = 4;  // less than a step takes
  TrainOptions options = within(options_in(folder, /*ranks=*/1),
                                kSamplesOfFiveSteps + static_cast<int>(kSecondsOfLongEvaluation) + kSecondsLeft);
  options.evaluate_every = 3;
  options.batch_size = kGlobalBatch;  // so that a rehearsal is a whole evaluation
  const auto slow_to_evaluate = test::make_tiny_task(GetParam(), clocked({}, kSecondsOfLongEvaluation));
  EXPECT_EQ(train(*slow_to_evaluate, options), RunEnd::kOutOfTime);
  EXPECT_EQ(last_snapshot(folder).state.step, 5);
}

TEST_P(ATimeBudget, WithoutTimeForOneStepTakesNone) {
  const TempFolder folder;
  EXPECT_EQ(train(*task(), within(options_in(folder, 2), 30)), RunEnd::kOutOfTime);
  const std::int64_t step = last_snapshot(folder).state.step;
  EXPECT_EQ(train(*task(), within(options_in(folder, 2), 8)), RunEnd::kOutOfTime);
  EXPECT_EQ(last_snapshot(folder).state.step, step);
}

class AQuota : public testing::Test {
 protected:
  AQuota() {
    options_.checkpoint_dir = folder_.path();
    options_.age_seconds = [] { return 5.0; };
    std::ofstream(folder_ / "run.jsonl") << R"({"event":"start","time":"2026-01-01T00:00:00.000Z","age_seconds":100}
{"event":"end","time":"2026-01-01T01:00:00.000Z","reason":"stopped"}
{"event":"start","time":"2026-01-03T00:00:00.000Z","age_seconds":20}
{"event":"warning","time":"2026-01-03T00:10:00.000Z","message":"killed after this"}
)";
  }

  const TempFolder folder_;
  TrainOptions options_;
};

TEST_F(AQuota, CountsAllStartsOfTheRunWithTheirBeginnings) {
  options_.quota = "2h";
  EXPECT_DOUBLE_EQ(seconds_to_run(options_), 7200 - 3600 - 100 - 600 - 20);
}

TEST_F(AQuota, HoldsBesideATimeBudget) {
  options_.quota = "2h";
  options_.time_budget = "10m";
  EXPECT_DOUBLE_EQ(seconds_to_run(options_), 600);
  options_.time_budget = "3h";
  EXPECT_DOUBLE_EQ(seconds_to_run(options_), 2880);
}

TEST_F(AQuota, ThatIsUsedUpIsRefused) {
  options_.quota = "1h";
  EXPECT_THROW(seconds_to_run(options_), UsageError);
}

TEST_F(AQuota, IsTheTimeBudgetOfARunThatBegins) {
  options_.checkpoint_dir = folder_ / "other";
  options_.quota = "1h";
  EXPECT_DOUBLE_EQ(seconds_to_run(options_), 3600);
  options_.quota.clear();
  EXPECT_EQ(seconds_to_run(options_), std::numeric_limits<double>::infinity());
  options_.time_budget = "5";
  EXPECT_THROW(seconds_to_run(options_), UsageError) << "all of it is gone at the start";
}

}  // namespace
}  // namespace lockstep::train::time_budget_test
