#include "lockstep/observe/run_history.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>

#include "lockstep/base/error.h"
#include "lockstep/observe/run_log.h"
#include "tests/support/temp_folder.h"

namespace lockstep::observe::run_history_test {
namespace {

StepEvent step(std::int64_t number, double loss) {
  return {number, 1, loss, 0.5, "00ff", 0.75, {{"wait", 0.25}, {"forward", 0.5}}};
}

TEST(RunHistory, GivesBackWhatWasWritten) {
  const test::TempFolder folder;
  const auto path = folder / "run.jsonl";
  {
    RunLog log(path);
    log.write(StartEvent{0, 2, 16, {{"seed", 7}}});
    log.write(step(1, 0.75));
    log.write(EvaluateEvent{1, "val", {{"iou", 0.5}, {"mae", std::numeric_limits<double>::quiet_NaN()}}});
    log.write(CheckpointEvent{1, "checkpoints/step-00000001"});
    log.write(EndEvent{"finished"});
  }
  const RunHistory history = read_run_history(path);
  ASSERT_EQ(history.steps.size(), 1u);
  EXPECT_EQ(history.steps[0].step, 1);
  EXPECT_EQ(history.steps[0].epoch, 1);
  EXPECT_EQ(history.steps[0].loss, 0.75);
  EXPECT_EQ(history.steps[0].learning_rate, 0.5);
  EXPECT_EQ(history.steps[0].samples, "00ff");
  EXPECT_EQ(history.steps[0].seconds, (std::map<std::string, double>{{"wait", 0.25}, {"forward", 0.5}}));
  ASSERT_EQ(history.evaluations.size(), 1u);
  EXPECT_EQ(history.evaluations[0].metrics.at("iou"), 0.5);
  EXPECT_TRUE(std::isnan(history.evaluations[0].metrics.at("mae")));
  ASSERT_EQ(history.others.size(), 3u);
  EXPECT_EQ(history.others[0].at("recipe").at("seed"), 7);
  EXPECT_EQ(history.others[2].at("reason"), "finished");
}

TEST(RunHistory, TheLastRecordOfAStepWins) {
  const test::TempFolder folder;
  const auto path = folder / "run.jsonl";
  {
    RunLog log(path);
    for (int i = 1; i <= 3; ++i) {
      log.write(step(i, i));
    }
    log.write(EvaluateEvent{3, "val", {{"iou", 0.3}}});
    log.write(EvaluateEvent{3, "train", {{"iou", 0.9}}});
    for (int i = 2; i <= 4; ++i) {
      log.write(step(i, 10 * i));
    }
    log.write(EvaluateEvent{3, "val", {{"iou", 0.4}}});
  }
  const RunHistory history = read_run_history(path);
  ASSERT_EQ(history.steps.size(), 4u);
  const double losses[] = {1, 20, 30, 40};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(history.steps[i].step, static_cast<std::int64_t>(i) + 1);
    EXPECT_EQ(history.steps[i].loss, losses[i]);
  }
  ASSERT_EQ(history.evaluations.size(), 2u);
  EXPECT_EQ(history.evaluations[0].split, "train");
  EXPECT_EQ(history.evaluations[1].metrics.at("iou"), 0.4);
}

TEST(RunHistory, LeavesOutWhatAResumeGaveUp) {
  const test::TempFolder folder;
  const auto path = folder / "run.jsonl";
  {
    RunLog log(path);
    log.write(StartEvent{0, 1, 8, {}});
    for (int i = 1; i <= 5; ++i) {
      log.write(step(i, 1));
    }
    log.write(EvaluateEvent{5, "val", {{"iou", 0.5}}});
    log.write(StartEvent{2, 1, 8, {}});
    log.write(step(3, 1));
  }
  const RunHistory history = read_run_history(path);
  ASSERT_EQ(history.steps.size(), 3u);
  EXPECT_EQ(history.steps.back().step, 3);
  EXPECT_TRUE(history.evaluations.empty());
}

TEST(RunHistory, SkipsLinesThatAreNoRecords) {
  const test::TempFolder folder;
  const auto path = folder / "run.jsonl";
  std::ofstream(path) << "{\"event\":\"step\",\"time\":\"t\",\"st\n"
                      << "[1, 2]\n\n"
                      << "{\"event\":5,\"time\":\"t\"}\n"
                      << "{\"event\":\"step\",\"time\":\"t\",\"step\":\"one\"}\n"
                      << "{\"event\":\"skip\",\"time\":\"t\",\"step\":3}\n"
                      << "{\"event\":\"end\",\"ti";
  const RunHistory history = read_run_history(path);
  EXPECT_TRUE(history.steps.empty());
  ASSERT_EQ(history.others.size(), 1u);
  EXPECT_EQ(history.others[0].at("event"), "skip");
}

TEST(RunHistory, CountsTheTimeOfWorkWithoutThePauses) {
  const test::TempFolder folder;
  const auto path = folder / "run.jsonl";
  std::ofstream(path) << R"({"event":"start","time":"2026-02-28T23:59:50.500Z"})"
                      << "\n"
                      << R"({"event":"warning","time":"2026-03-01T00:00:10.750Z"})"
                      << "\n"
                      << R"({"event":"start","time":"2026-03-02T08:00:00.000Z"})"
                      << "\n"
                      << R"({"event":"end","time":"2026-03-02T08:01:00.000Z","reason":"finished"})"
                      << "\n";
  EXPECT_DOUBLE_EQ(read_run_history(path).seconds, 80.25);
}

TEST(RunHistory, NamesAMissingLog) {
  const test::TempFolder folder;
  EXPECT_THROW(read_run_history(folder / "run.jsonl"), DataError);
}

}  // namespace
}  // namespace lockstep::observe::run_history_test
