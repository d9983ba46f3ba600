// Runs the built program where there is a run already, or was one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/program/small_run.h"

namespace lockstep::program::run_folder_test {
namespace {

using std::filesystem::exists;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class ARunFolder : public SmallRun {};

TEST_F(ARunFolder, AFinishedRunTakesNoFurtherStep) {
  ASSERT_EQ(run(training()).exit_code, kFinished);
  EXPECT_EQ(run(training()).exit_code, kFinished);
  EXPECT_EQ(events(run_folder(), "step").size(), 8U);
}

TEST_F(ARunFolder, ASignalStopsItAndTheSameCommandContinuesToTheSameBits) {
  const Words many{"--epochs", "20", "--evaluate-every", "20"};
  ASSERT_EQ(run(training(many, "reference")).exit_code, kFinished);

  test::RunningProcess running(command(training(many)));
  ASSERT_TRUE(waited_for([&] { return events(run_folder(), "step").size() >= 2; }));
  running.send_signal(SIGTERM);
  EXPECT_EQ(running.wait().exit_code, kStopped);
  const std::size_t done = events(run_folder(), "step").size();
  ASSERT_LT(done, 80U);
  EXPECT_THAT(events(run_folder(), "end").back().at("reason").get<std::string>(), HasSubstr("stopped"));

  ASSERT_EQ(run(training(many)).exit_code, kFinished);
  EXPECT_EQ(events(run_folder(), "step").size(), 80U);
  for (const char* file : {"model.safetensors", "checkpoints/step-00000080/model.safetensors",
                           "checkpoints/step-00000080/optimizer.safetensors"}) {
    EXPECT_EQ(read_file(run_folder() / file), read_file(in_folder("reference") / file)) << file;
  }
}

TEST_F(ARunFolder, ADatasetThatVanishesEndsTheRunWithTheStepsBeforeSavedAndTheSameCommandContinuesToTheSameBits) {
  const Words many{"--epochs", "100000", "--evaluate-every", "100000"};
  test::RunningProcess running(command(training(many)));
  ASSERT_TRUE(waited_for([&] { return events(run_folder(), "step").size() >= 6; }));
  std::filesystem::rename(dataset(), in_folder("unmounted"));
  expect_error(running.wait(), kData, AllOf(HasSubstr(dataset()), HasSubstr("No such file or directory")));
  const std::size_t done = events(run_folder(), "step").size();
  EXPECT_THAT(read_text(run_folder() / "checkpoints/last"), HasSubstr(std::to_string(done)));

  std::filesystem::rename(in_folder("unmounted"), dataset());
  const Words more = many + Words{"--max-steps", std::to_string(done + 4)};
  ASSERT_EQ(run(training(more)).exit_code, kFinished);
  EXPECT_EQ(events(run_folder(), "step").size(), done + 4);
  ASSERT_EQ(run(training(more, "reference")).exit_code, kFinished);
  EXPECT_EQ(read_file(run_folder() / "model.safetensors"), read_file(in_folder("reference") / "model.safetensors"));
}

TEST_F(ARunFolder, ADatasetThatVanishesIsNotMissedWhereItsPixelsAreInMemory) {
  const Words many{"--epochs", "100000", "--evaluate-every", "100000", "--cache", "ram"};
  test::RunningProcess running(command(training(many)));
  ASSERT_TRUE(waited_for([&] { return events(run_folder(), "step").size() >= 8; }));
  std::filesystem::rename(dataset(), in_folder("unmounted"));
  const std::size_t done = events(run_folder(), "step").size();
  EXPECT_TRUE(waited_for([&] { return events(run_folder(), "step").size() >= done + 20; }));
  running.send_signal(SIGTERM);
  EXPECT_EQ(running.wait().exit_code, kStopped);
}

TEST_F(ARunFolder, ATimeBudgetStopsItAndTheSameCommandContinues) {
  const Words many{"--epochs", "100000", "--evaluate-every", "100000"};
  ASSERT_EQ(run(training(many + Words{"--time-budget", "8s"})).exit_code, kStopped);
  EXPECT_THAT(events(run_folder(), "end").back().at("reason").get<std::string>(), HasSubstr("end of its time"));
  EXPECT_TRUE(exists(run_folder() / "model.safetensors"));
  EXPECT_TRUE(exists(run_folder() / "report.html"));
  const std::size_t done = events(run_folder(), "step").size();
  ASSERT_EQ(run(training(many + Words{"--max-steps", std::to_string(done + 1)})).exit_code, kFinished);
  EXPECT_EQ(events(run_folder(), "step").size(), done + 1);
}

TEST_F(ARunFolder, AQuotaThatIsUsedUpIsRefused) {
  ASSERT_EQ(run(training({"--max-steps", "1"})).exit_code, kFinished);
  expect_error(run(training({"--quota", "0.001"})), kUsage, HasSubstr("--quota 0.001 is used up"));
  expect_error(run(training({"--quota", "soon"})), kUsage, HasSubstr("--quota 'soon' is not a time"));
}

TEST_F(ARunFolder, AnotherRecipeInARunFolderIsRefusedUnlessFresh) {
  ASSERT_EQ(run(training({"--max-steps", "1"})).exit_code, kFinished);
  const Words other{"--max-steps", "1", "--lr", "0.001", "--seed", "5"};
  expect_error(run(training(other)), kUsage,
               AllOf(HasSubstr("--lr was 4e-04, is 0.001"), HasSubstr("--seed was 0, is 5"), HasSubstr("--fresh")));

  Words fresh = other;
  fresh.push_back("--fresh");
  EXPECT_EQ(run(training(fresh)).exit_code, kFinished);
  EXPECT_EQ(events(run_folder(), "start").at(0).at("recipe").at("seed"), 5);
  EXPECT_EQ(events(run_folder() / "previous-1", "start").at(0).at("recipe").at("seed"), 0);
}

TEST_F(ARunFolder, AResumeSaysWhatOtherOptionsMean) {
  const ProcessResult first = run(training({"--max-steps", "1"}));
  ASSERT_EQ(first.exit_code, kFinished);
  EXPECT_THAT(first.errors, Not(HasSubstr("options that differ")));
  const ProcessResult second = run(training({"--max-steps", "2", "--keep-checkpoints", "7"}));
  ASSERT_EQ(second.exit_code, kFinished) << second.errors;
  EXPECT_THAT(second.errors, HasSubstr("\n  option              was  is  for the run\n"
                                       "  --keep-checkpoints  2    7   changes no number\n"
                                       "  --max-steps         1    2   stops at another step\n"));
  const ProcessResult third = run(training({"--max-steps", "2", "--seed", "5"}));
  EXPECT_THAT(third.errors, ContainsRegex("--seed +0 +5 +refused: it would be another run\n"));
  expect_error(third, kUsage, AllOf(HasSubstr("--seed was 0, is 5"), Not(HasSubstr("--max-steps"))));
}

TEST_F(ARunFolder, FreshSetsNothingAsideWhenTheLauncherStartsTheRunAgain) {
  ASSERT_EQ(run(training({"--max-steps", "1", "--fresh"})).exit_code, kFinished);
  Words again_by_torchrun = command(training({"--max-steps", "1", "--fresh"}));
  again_by_torchrun.insert(again_by_torchrun.begin(), {"/usr/bin/env", "TORCHELASTIC_RESTART_COUNT=1"});
  const ProcessResult again = test::run_process(again_by_torchrun);
  EXPECT_EQ(again.exit_code, kFinished) << again.errors;
  EXPECT_THAT(again.errors, HasSubstr("--fresh is for its first start"));
  EXPECT_FALSE(exists(run_folder() / "previous-1"));
}

TEST_F(ARunFolder, AFolderInThePlaceOfTheNameOfTheLastSnapshotIsNamedAndMovedAside) {
  ASSERT_EQ(run(training({"--max-steps", "1"})).exit_code, kFinished);
  std::filesystem::remove(run_folder() / "checkpoints/last");
  std::filesystem::create_directory(run_folder() / "checkpoints/last");
  const ProcessResult resumed = run(training({"--max-steps", "2"}));
  EXPECT_EQ(resumed.exit_code, kFinished) << resumed.errors;
  EXPECT_THAT(resumed.errors, AllOf(HasSubstr("passed over"), HasSubstr("checkpoints/last' is a folder"),
                                    HasSubstr("resuming after step 1,")));
  EXPECT_TRUE(exists(run_folder() / "checkpoints/last.folder-1"));
}

/// Turns one bit of a file.
void damage(const path& file) {
  std::vector<std::byte> bytes = read_file(file);
  bytes[bytes.size() / 2] ^= std::byte{0x10};
  write_file_atomically(file, bytes);
}

TEST_F(ARunFolder, ADamagedSnapshotIsPassedOverForTheOneBeforeToTheSameBits) {
  ASSERT_EQ(run(training({}, "reference")).exit_code, kFinished);
  ASSERT_EQ(run(training({"--max-steps", "1"})).exit_code, kFinished);
  ASSERT_EQ(run(training({"--max-steps", "2"})).exit_code, kFinished);
  damage(run_folder() / "checkpoints/step-00000002/optimizer.safetensors");
  const ProcessResult resumed = run(training({"--max-steps", "8"}));
  EXPECT_EQ(resumed.exit_code, kFinished) << resumed.errors;
  EXPECT_THAT(resumed.errors,
              AllOf(HasSubstr("passed over"), HasSubstr("step-00000002"), HasSubstr("resuming after step 1,")));
  EXPECT_EQ(events(run_folder(), "start").back().at("step"), 1);
  for (const char* file : {"model.safetensors", "checkpoints/step-00000008/model.safetensors",
                           "checkpoints/step-00000008/optimizer.safetensors"}) {
    EXPECT_EQ(read_file(run_folder() / file), read_file(in_folder("reference") / file)) << file;
  }
}

TEST_F(ARunFolder, WhatAKillLeftBehindIsMended) {
  ASSERT_EQ(run(training({"--max-steps", "2"})).exit_code, kFinished);
  const path checkpoints = run_folder() / "checkpoints";
  std::filesystem::rename(checkpoints / "step-00000002", checkpoints / "step-00000002.replaced");
  std::filesystem::create_directory(checkpoints / "step-00000003.partial");
  EXPECT_EQ(run(training({"--max-steps", "4"})).exit_code, kFinished);
  EXPECT_EQ(events(run_folder(), "start").back().at("step"), 2);
  EXPECT_FALSE(exists(checkpoints / "step-00000002.replaced"));
  EXPECT_FALSE(exists(checkpoints / "step-00000003.partial"));
}

TEST_F(ARunFolder, KilledAtRandomMomentsItEndsWithTheSameBits) {
  const Words torture{
      (test::source_dir() / "scripts/torture.sh").string(), "4", "--dataset-path", dataset(), "--batch-size", "1"};
  const ProcessResult result = test::run_process(
      Words{"/usr/bin/env", "LOCKSTEP=" LOCKSTEP_TEST_PROGRAM, "TMPDIR=" + in_folder("").string(), "bash"} + torture);
  EXPECT_EQ(result.exit_code, kFinished) << result.output << result.errors;
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("undisturbed: 48 steps"), HasSubstr("4 kills"), HasSubstr("the same bits")));
}

TEST_F(ARunFolder, WhereAllSnapshotsAreDamagedOneIsNamedAndFreshSetsThemAside) {
  ASSERT_EQ(run(training({"--max-steps", "1"})).exit_code, kFinished);
  damage(run_folder() / "checkpoints/step-00000001/model.safetensors");
  expect_error(run(training({"--max-steps", "1"})), kData, AllOf(HasSubstr("step-00000001"), HasSubstr("--fresh")));
  EXPECT_EQ(run(training({"--max-steps", "1", "--fresh"})).exit_code, kFinished);
  EXPECT_TRUE(exists(run_folder() / "previous-1/checkpoints/last"));
}

TEST_F(ARunFolder, ARunHeldByAnotherProcessIsLeftAlone) {
  const test::RunningProcess running(command(training({"--epochs", "1000", "--evaluate-every", "1000"})));
  ASSERT_TRUE(waited_for([&] { return !events(run_folder(), "step").empty(); }));
  expect_error(run(training()), kMachine, HasSubstr("another process"));
}

TEST_F(ARunFolder, EvaluatesFromTheSnapshotsWhereTheBestWeightsWereRemoved) {
  ASSERT_EQ(run(training()).exit_code, kFinished);
  const Words evaluating{"evaluate", "camouflage", "--checkpoint-dir", run_folder(), "--devices", "cpu"};
  const ProcessResult before = run(evaluating);
  ASSERT_EQ(before.exit_code, kFinished) << before.errors;
  std::filesystem::remove(run_folder() / "model.safetensors");
  const ProcessResult after = run(evaluating);
  EXPECT_EQ(after.exit_code, kFinished) << after.errors;
  EXPECT_EQ(after.output, before.output);
}

}  // namespace
}  // namespace lockstep::program::run_folder_test
