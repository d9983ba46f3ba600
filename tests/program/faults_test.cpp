// Runs the built program with faults planted in it: each run comes to an end, with the right code, and says why.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/program/small_run.h"

namespace lockstep::program::faults_test {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;

constexpr int kKilled = 137;

class Faults : public SmallRun {
 protected:
  /// Three steps on so many ranks, or as many as there are before the run ends.
  Words training_with(const std::string& faults, int ranks, const Words& more = {}) const {
    return training_on(dataset(), run_folder()) +
           Words{"--devices",
                 "cpu:" + std::to_string(ranks),
                 "--threads-per-rank",
                 "1",
                 "--max-steps",
                 "3",
                 "--global-batch",
                 "4",
                 "--fresh",
                 "--inject",
                 faults} +
           more;
  }

  ProcessResult run_with(const std::string& faults, int ranks, const Words& more = {}) const {
    return run(training_with(faults, ranks, more));
  }

  std::size_t steps() const { return events(run_folder(), "step").size(); }
};

TEST_F(Faults, InAStepCostThisStepOnly) {
  const std::vector<std::tuple<int, const char*, const char*>> cases = {
      {1, "nan-loss@2", "step 2 skipped: its loss or gradient is not finite"},
      {2, "nan-loss@2,rank=1", "step 2 skipped: its loss or gradient is not finite"},
      {4, "inf-grad@2,rank=3", "step 2 skipped: its loss or gradient is not finite"},
      {1, "throw@2", "rank 0: an error that was planted"},
      {2, "oom-forward@2,rank=1", "rank 1: out of memory, as planted in a forward pass"},
      {4, "oom-backward@2,rank=2", "rank 2: out of memory, as planted in a backward pass"},
      {2, "oom-forward@2,rank=0;throw@2,rank=1", "rank 1: an error that was planted"},
      {2, "nan-loss@2,rank=0;throw@2,rank=1", "rank 1: an error that was planted"},
  };
  for (const auto& [ranks, faults, words] : cases) {
    SCOPED_TRACE(faults);
    const ProcessResult result = run_with(faults, ranks);
    EXPECT_EQ(result.exit_code, kFinished) << result.errors;
    EXPECT_THAT(result.errors, HasSubstr(words));
    EXPECT_EQ(steps(), 3U);
  }
}

TEST_F(Faults, ThatOnlyTakeTimeChangeNothing) {
  const ProcessResult result = run_with("slow@2,rank=1,seconds=0.1;hang@3,rank=0,seconds=0.1", 2);
  EXPECT_EQ(result.exit_code, kFinished) << result.errors;
  EXPECT_THAT(result.errors, testing::Not(HasSubstr("warning")));
  EXPECT_EQ(steps(), 3U);
}

TEST_F(Faults, ARankThatStandsStillIsNamedAndTheRunEnds) {
  for (const int ranks : {2, 4}) {
    SCOPED_TRACE(ranks);
    const ProcessResult result = run_with("hang@3,rank=1", ranks, {"--watchdog", "5"});
    expect_error(result, kTraining, ContainsRegex("rank [0-9] waited 5 s for rank 1, which is at: forward"));
    EXPECT_THAT(result.errors, HasSubstr("rank 1 does not end; it is left at: forward"));
    EXPECT_THAT(events(run_folder(), "end").at(0).at("reason").get<std::string>(), HasSubstr("for rank 1"));
    EXPECT_EQ(steps(), 2U);
  }
}

TEST_F(Faults, RanksThatAllStandStillAreNamedAndTheRunEnds) {
  for (const int ranks : {1, 2}) {
    SCOPED_TRACE(ranks);
    const ProcessResult result = run_with("hang@3", ranks, {"--watchdog", "5"});
    expect_error(result, kTraining, HasSubstr("nothing has moved for 5 s in rank 0, which is at: forward"));
    EXPECT_THAT(events(run_folder(), "end").at(0).at("reason").get<std::string>(), HasSubstr("nothing has moved"));
  }
}

TEST_F(Faults, ARankThatStandsStillInAProcessOfItsOwnIsNamedOnce) {
  const ProcessResult result = run_with("hang@3,rank=1", 2, {"--watchdog", "5", "--ranks", "process"});
  EXPECT_EQ(result.exit_code, kTraining) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("rank 1, which is at: forward"));
  EXPECT_EQ(count_errors(result.errors), 1) << result.errors;
}

TEST_F(Faults, AnErrorIsToldThoughAnotherRankStandsStill) {
  const ProcessResult result = run_with("bad-sample@3,rank=0;hang@3,rank=1", 2, {"--watchdog", "5"});
  expect_error(result, kData, HasSubstr("cannot be read, as planted"));
}

TEST_F(Faults, AKilledRunIsTakenUpByTheSameCommand) {
  const Words often{"--checkpoint-minutes", "0.0001"};
  EXPECT_EQ(run_with("nan-loss@2;kill@3,rank=1", 2, often).exit_code, kKilled);
  EXPECT_EQ(steps(), 2U);
  Words again = training_with("nan-loss@2", 2, often);
  std::erase(again, "--fresh");
  const ProcessResult result = run(again);
  EXPECT_EQ(result.exit_code, kFinished) << result.errors;
  EXPECT_EQ(events(run_folder(), "step").back().at("step"), 3);
}

TEST_F(Faults, AFullDiskIsNamed) {
  const ProcessResult result = run_with("disk-full@2;slow@3,seconds=0.1", 2);
  expect_error(result, kMachine, AllOf(HasSubstr("No space left"), HasSubstr("free some disk space")));
  EXPECT_THAT(result.errors, HasSubstr("the run is over, and its log lacks the last records"));
}

TEST_F(Faults, ADiskThatIsFullForAWhileDoesNotEndTheRun) {
  // A disk of its own, which is filled up when the run has begun, until the program says so.
  const char* script = R"(
    disk=$1; lockstep=$2; shift
    mount -t tmpfs -o size=300m tmpfs "$disk" || exit 99
    "$@" 2>"$disk.errors" & training=$!
    until grep -q '"event":"step"' "$disk/run/run.jsonl" 2>/dev/null; do kill -0 $training || exit 98; sleep 0.02; done
    head -c 400M /dev/zero >"$disk/filler" 2>/dev/null
    until grep -q "training goes on" "$disk.errors"; do kill -0 $training || exit 97; sleep 0.02; done
    rm "$disk/filler"
    until grep -q "the log is written again" "$disk.errors"; do kill -0 $training || exit 96; sleep 0.02; done
    kill -TERM $training
    wait $training
    code=$?
    "$lockstep" checkpoint verify "$disk/run" || exit 95
    cp "$disk/run/run.jsonl" "$disk.jsonl"
    exit $code
  )";
  const path disk = in_folder("disk");
  std::filesystem::create_directory(disk);
  Words training =
      command(training_on(dataset(), disk / "run")) +
      Words{"--epochs", "100000", "--evaluate-every", "100000", "--devices", "cpu:2", "--threads-per-rank", "1"};
  const ProcessResult result =
      test::run_process(Words{"unshare", "--mount", "bash", "-c", script, "bash", disk} + training);
  if (result.exit_code == 99 || result.errors.find("unshare") != std::string::npos) {
    GTEST_SKIP() << "no file system can be mounted here: " << result.errors;
  }
  EXPECT_EQ(result.exit_code, kStopped) << result.errors << read_text(in_folder("disk.errors"));
  std::istringstream log(read_text(in_folder("disk.jsonl")));
  std::int64_t steps = 0;
  for (std::string line; std::getline(log, line);) {
    const nlohmann::json record = nlohmann::json::parse(line);
    if (record.at("event") == "step") {
      EXPECT_EQ(record.at("step"), ++steps);
    }
  }
  EXPECT_GT(steps, 2);
}

TEST_F(Faults, ABadSampleIsLeftOutWhereThatIsAllowed) {
  expect_error(run_with("bad-sample@2,rank=0", 1), kData, HasSubstr("cannot be read, as planted"));
  const ProcessResult result = run_with("bad-sample@2,rank=1", 2, {"--max-bad-samples", "2"});
  EXPECT_EQ(result.exit_code, kFinished) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("bad sample 1 of at most 2 is left out"));
  EXPECT_EQ(steps(), 3U);
}

TEST_F(Faults, ThatAreWrittenWronglyAreRefused) {
  expect_error(run_with("nan@2", 1), kUsage, HasSubstr("--inject cannot read 'nan'; the faults are nan-loss, "));
}

}  // namespace
}  // namespace lockstep::program::faults_test
