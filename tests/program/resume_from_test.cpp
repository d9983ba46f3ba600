// Runs the built program with --resume-from: another run's folder, or a file of weights.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/program/small_run.h"
#include "tests/support/stored_zip.h"

namespace lockstep::program::resume_from_test {
namespace {

using std::filesystem::perms;
using Listing = std::map<path, std::filesystem::file_time_type>;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

/// Everything in a folder, the folder included, and when it was changed last.
Listing listing_of(const path& folder) {
  Listing listing{{folder, std::filesystem::last_write_time(folder)}};
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    listing.emplace(entry.path(), entry.last_write_time());
  }
  return listing;
}

/// While it lives, nobody but the super-user can write into a folder.
class ReadOnly {
 public:
  explicit ReadOnly(const path& folder) {
    for (const auto& [entry, time] : listing_of(folder)) {
      const auto before = std::filesystem::status(entry).permissions();
      before_.emplace_back(entry, before);
      std::filesystem::permissions(entry, before & ~(perms::owner_write | perms::group_write | perms::others_write));
    }
  }
  ~ReadOnly() {
    for (const auto& [entry, before] : before_) {
      std::filesystem::permissions(entry, before);
    }
  }
  ReadOnly(const ReadOnly&) = delete;
  ReadOnly& operator=(const ReadOnly&) = delete;

 private:
  std::vector<std::pair<path, perms>> before_;
};

class ResumeFrom : public SmallRun {
 protected:
  Words from(const path& what, const Words& more = {}) const { return training(Words{"--resume-from", what} + more); }

  void expect_same_end(const std::string& one, const std::string& other) const {
    for (const char* file : {"model.safetensors", "checkpoints/step-00000008/model.safetensors",
                             "checkpoints/step-00000008/optimizer.safetensors"}) {
      EXPECT_EQ(read_file(in_folder(one) / file), read_file(in_folder(other) / file)) << file;
    }
  }
};

TEST_F(ResumeFrom, AnotherRunGoesOnToTheSameBitsAndItsFolderIsOnlyRead) {
  ASSERT_EQ(run(training({}, "reference")).exit_code, kFinished);
  ASSERT_EQ(run(training({"--max-steps", "5"}, "origin")).exit_code, kFinished);
  const path origin = in_folder("origin");
  const ReadOnly folder(origin);
  const Listing before = listing_of(origin);

  const ProcessResult taken = run(from(origin));
  EXPECT_EQ(taken.exit_code, kFinished) << taken.errors;
  EXPECT_THAT(taken.errors, AllOf(HasSubstr("taken up: "), HasSubstr("resuming after step 5,")));
  expect_same_end("run", "reference");
  EXPECT_EQ(events(run_folder(), "step").size(), 8U);  // with those of the log that was taken along
  const ProcessResult again = run(from(origin));
  EXPECT_EQ(again.exit_code, kFinished) << again.errors;
  EXPECT_THAT(again.errors, AllOf(HasSubstr("snapshots of its own, which go before --resume-from"),
                                  HasSubstr("has done its 2 epochs"), Not(HasSubstr("taken up"))));
  EXPECT_EQ(listing_of(origin), before);
}

TEST_F(ResumeFrom, TheLogGoesBehindThatOfARunWhichDiedBeforeItsFirstSnapshot) {
  ASSERT_EQ(run(training({"--max-steps", "2"}, "origin")).exit_code, kFinished);
  EXPECT_NE(run(training({"--inject", "kill@4"})).exit_code, kFinished);
  const std::string died = read_text(run_folder() / "run.jsonl");
  ASSERT_FALSE(events(run_folder(), "step").empty());
  ASSERT_FALSE(exists(run_folder() / "checkpoints/last"));
  const ProcessResult taken = run(from(in_folder("origin"), {"--max-steps", "3"}));
  EXPECT_EQ(taken.exit_code, kFinished) << taken.errors;
  EXPECT_THAT(read_text(run_folder() / "run.jsonl"),
              testing::StartsWith(died + read_text(in_folder("origin") / "run.jsonl")));
}

TEST_F(ResumeFrom, ItsOwnSnapshotsGoBeforeTheOtherRunWhichMayBeGone) {
  ASSERT_EQ(run(training({}, "reference")).exit_code, kFinished);
  ASSERT_EQ(run(training({"--max-steps", "2"}, "origin")).exit_code, kFinished);
  ASSERT_EQ(run(from(in_folder("origin"), {"--max-steps", "5"})).exit_code, kFinished);
  std::filesystem::remove_all(in_folder("origin"));
  const ProcessResult resumed = run(from(in_folder("origin")));
  EXPECT_EQ(resumed.exit_code, kFinished) << resumed.errors;
  EXPECT_THAT(resumed.errors, HasSubstr("resuming after step 5,"));
  expect_same_end("run", "reference");
  EXPECT_EQ(run(training()).exit_code, kFinished);  // nor must it be named
  expect_error(run(from(in_folder("reference"))), kUsage, HasSubstr("--resume-from was "));
}

TEST_F(ResumeFrom, OneSnapshotGoesOnFromThere) {
  ASSERT_EQ(run(training({}, "reference")).exit_code, kFinished);
  const ProcessResult taken = run(from(in_folder("reference") / "checkpoints/step-00000004"));
  EXPECT_EQ(taken.exit_code, kFinished) << taken.errors;
  EXPECT_THAT(taken.errors, HasSubstr("resuming after step 4,"));
  expect_same_end("run", "reference");
}

TEST_F(ResumeFrom, WhatCannotBeTakenUpIsRefused) {
  ASSERT_EQ(run(training({"--max-steps", "1"}, "origin")).exit_code, kFinished);
  const path origin = in_folder("origin");
  expect_error(run(from(origin, {"--lr", "0.001"})), kUsage,
               AllOf(HasSubstr("has other options: --lr was 4e-04, is 0.001"), HasSubstr("model.safetensors")));
  expect_error(run(from(origin, {"--start-epoch", "1"})), kUsage, HasSubstr("a run knows its epoch"));
  expect_error(run(from(in_folder("nowhere"))), kData, HasSubstr("is not there"));
  expect_error(run(from(dataset())), kData, HasSubstr("holds no run"));
  expect_error(run(training({"--resume-from", origin, "--fresh"}, "origin")), kUsage,
               HasSubstr("lies in the run folder, which --fresh sets aside"));
  EXPECT_FALSE(exists(run_folder() / "checkpoints"));
  EXPECT_FALSE(exists(origin / "previous-1"));
  ASSERT_EQ(run(training({"--max-steps", "1", "--fresh"}, "origin")).exit_code, kFinished);
  const ProcessResult taken = run(training({"--resume-from", origin / "previous-1", "--fresh"}, "origin"));
  EXPECT_EQ(taken.exit_code, kFinished) << taken.errors;
  EXPECT_THAT(taken.errors, HasSubstr("resuming after step 1,"));
}

TEST_F(ResumeFrom, AFileOfWeightsBeginsARunAtTheEpochThatIsGiven) {
  ASSERT_EQ(run(training({"--max-steps", "4"}, "origin")).exit_code, kFinished);
  const path weights = in_folder("origin") / "model.safetensors";
  expect_error(run(from(weights, {"--start-epoch", "2"})), kUsage, HasSubstr("--start-epoch"));
  const ProcessResult taken = run(from(weights, {"--start-epoch", "1"}));
  EXPECT_EQ(taken.exit_code, kFinished) << taken.errors;
  EXPECT_THAT(taken.errors, AllOf(ContainsRegex("model.safetensors: [0-9]+ weights match\n"),
                                  HasSubstr("beginning with epoch 2: the 4 steps before it count as done")));
  EXPECT_EQ(events(run_folder(), "step").front().at("step"), 5);
  EXPECT_EQ(events(run_folder(), "step").front().at("epoch"), 2);
  EXPECT_EQ(events(run_folder(), "step").size(), 4U);
}

TEST_F(ResumeFrom, AFileThatWouldRunSomethingIsRefusedAndNothingRuns) {
  const path file = in_folder("hostile.pth");
  const path mark = in_folder("was_run");
  test::write_zip(file, {{"x/data.pkl", "}(S'state_dict'\ncposix\nsystem\n(S'touch " + mark.string() + "'\ntRu."}});
  for (const char* flag : {"--resume-from", "--pretrained"}) {
    expect_error(run(training({flag, file})), kData,
                 AllOf(HasSubstr("hostile.pth"), HasSubstr("names 'posix.system'"), HasSubstr("nothing was run")));
  }
  EXPECT_FALSE(exists(mark));
  EXPECT_FALSE(exists(run_folder() / "checkpoints"));
}

}  // namespace
}  // namespace lockstep::program::resume_from_test
