// Runs `lockstep checkpoint` on the snapshots of a short run.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/program/small_run.h"

namespace lockstep::program::checkpoint_command_test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// A run of two epochs with a snapshot each, the second one evaluated.
class CheckpointCommand : public SmallRun {
 protected:
  CheckpointCommand() {
    const ProcessResult trained = run(training({"--evaluate-every", "1"}));
    EXPECT_EQ(trained.exit_code, kFinished) << trained.errors;
  }

  path snapshot(const std::string& name) const { return run_folder() / "checkpoints" / name; }

  void flip_a_bit(const path& file) const {
    std::string content = read_text(file);
    content[content.size() / 2] ^= 1;
    write_file_atomically(file, content);
  }
};

TEST_F(CheckpointCommand, ListsVerifiesAndShowsAWholeRun) {
  const ProcessResult listed = run({"checkpoint", "list", run_folder()});
  EXPECT_EQ(listed.exit_code, kFinished) << listed.errors;
  EXPECT_THAT(listed.output, AllOf(HasSubstr("iou"), HasSubstr("last"), HasSubstr("best"), HasSubstr("whole")));
  EXPECT_EQ(std::ranges::count(listed.output, '\n'), 3) << listed.output;

  const ProcessResult verified = run({"checkpoint", "verify", "--checkpoint-dir", run_folder()});
  EXPECT_EQ(verified.exit_code, kFinished) << verified.errors;
  EXPECT_EQ(verified.output, "step-00000008: whole\nstep-00000004: whole\n");

  const ProcessResult shown = run({"checkpoint", "show", run_folder(), "--step", "4"});
  EXPECT_EQ(shown.exit_code, kFinished) << shown.errors;
  EXPECT_THAT(shown.output, AllOf(HasSubstr("step-00000004"), HasSubstr("loss_scaler"),
                                  HasSubstr("optimizer.safetensors"), HasSubstr("F32")));
}

TEST_F(CheckpointCommand, TellsDamageAndEndsWithTheCodeOfBrokenData) {
  flip_a_bit(snapshot("step-00000008") / "model.safetensors");
  const ProcessResult verified = run({"checkpoint", "verify", run_folder()});
  expect_error(verified, kData, HasSubstr("damaged"));
  EXPECT_THAT(verified.output, AllOf(HasSubstr("step-00000008: damaged"), HasSubstr("model.safetensors"),
                                     HasSubstr("step-00000004: whole")));
  EXPECT_THAT(run({"checkpoint", "list", run_folder()}).output, HasSubstr("damaged"));
  expect_error(run({"checkpoint", "show", run_folder(), "--step", "8"}), kData, HasSubstr("model.safetensors"));
  EXPECT_THAT(run({"checkpoint", "show", run_folder()}).output, HasSubstr("step-00000004"));
  EXPECT_EQ(run({"checkpoint", "verify", run_folder(), "--step", "4"}).exit_code, kFinished);
}

TEST_F(CheckpointCommand, TellsOfAPointerThatNamesNothing) {
  write_file_atomically(snapshot("best"), "step-00000099\n");
  expect_error(run({"checkpoint", "verify", run_folder()}), kData, HasSubstr("damaged"));
  EXPECT_THAT(run({"checkpoint", "list", run_folder()}).output, HasSubstr("step-00000099"));
}

TEST(CheckpointCommandWords, OfARunWithoutSnapshotsIsAnErrorThatNamesIt) {
  const test::TempFolder empty;
  for (const char* verb : {"list", "verify", "show"}) {
    expect_error(run({"checkpoint", verb, empty.path()}), kData, HasSubstr(empty.path().string()));
  }
  expect_error(run({"checkpoint"}), kUsage, HasSubstr("checkpoint list"));
  expect_error(run({"checkpoint", "lisst"}), kUsage, HasSubstr("checkpoint list"));
}

}  // namespace
}  // namespace lockstep::program::checkpoint_command_test
