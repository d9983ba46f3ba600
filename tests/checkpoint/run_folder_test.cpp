#include "lockstep/checkpoint/run_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "tests/support/temp_folder.h"

namespace lockstep::checkpoint::run_folder_test {
namespace {

using test::TempFolder;
using testing::HasSubstr;

TEST(RunFolder, IsMadeWithTheFoldersAboveIt) {
  const TempFolder temp;
  const RunFolder folder(temp / "runs/a/b");
  EXPECT_TRUE(std::filesystem::is_directory(temp / "runs/a/b"));
  EXPECT_FALSE(folder.has_run());
}

/// Leaves what a run leaves that has saved a snapshot.
void begin_run(const RunFolder& folder, const std::string& recipe) {
  write_file_atomically(folder.recipe(), recipe);
  make_directories(folder.path() / "checkpoints/step-00000001");
  write_file_atomically(folder.path() / "checkpoints/last", "step-00000001\n");
}

TEST(RunFolder, HasARunOnceThereIsSomethingToResume) {
  const TempFolder temp;
  const RunFolder folder(temp.path());
  write_file_atomically(folder.recipe(), "epochs = 3\n");
  EXPECT_FALSE(folder.has_run());
  begin_run(folder, "epochs = 3\n");
  EXPECT_TRUE(folder.has_run());
  write_file_atomically(temp / "checkpoints/last", "damaged");
  EXPECT_TRUE(folder.has_run());
}

TEST(RunFolder, HasOneHolderAtATime) {
  const TempFolder temp;
  {
    const RunFolder folder(temp.path());
    try {
      const RunFolder second(temp.path());
      FAIL() << "two hold the same folder";
    } catch (const MachineError& error) {
      EXPECT_THAT(error.what(), AllOf(HasSubstr(temp.path().string()), HasSubstr("another process")));
    }
  }
  EXPECT_NO_THROW(RunFolder(temp.path()));
}

TEST(RunFolder, AFolderThatCannotBeWrittenIsAnErrorOfTheMachine) {
  const TempFolder temp;
  write_file_atomically(temp / "file", "no folder");
  EXPECT_THROW(RunFolder(temp / "file"), MachineError);
  EXPECT_THROW(RunFolder(temp / "file/run"), MachineError);
}

TEST(RunFolder, SetsWhatIsThereAsideAndStaysHeld) {
  const TempFolder temp;
  const RunFolder folder(temp.path());
  for (const int run : {1, 2}) {
    begin_run(folder, "seed = " + std::to_string(run) + "\n");
    const auto previous = folder.set_aside();
    EXPECT_EQ(previous, temp / ("previous-" + std::to_string(run)));
    EXPECT_EQ(read_text(previous / kRecipeFile), "seed = " + std::to_string(run) + "\n");
    EXPECT_TRUE(std::filesystem::is_directory(previous / "checkpoints/step-00000001"));
    EXPECT_FALSE(folder.has_run());
    EXPECT_FALSE(std::filesystem::exists(temp / "checkpoints"));
    EXPECT_THROW(RunFolder(temp.path()), MachineError);
  }
}

}  // namespace
}  // namespace lockstep::checkpoint::run_folder_test
