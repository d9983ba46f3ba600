#include "lockstep/checkpoint/inspection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "lockstep/checkpoint/manifest.h"
#include "tests/checkpoint/small_snapshot.h"
#include "tests/support/temp_folder.h"

namespace lockstep::checkpoint::inspection_test {
namespace {

namespace fs = std::filesystem;
using test::TempFolder;
using testing::HasSubstr;

class Inspecting : public testing::Test {
 protected:
  Inspecting() : folder_(run_ / "step-00000012") {
    fs::create_directory(folder_);
    Snapshot snapshot = snapshot_at(12);
    snapshot.ema = snapshot.model;
    write_snapshot(folder_, snapshot);
  }

  void expect_damage(const std::string& words) const {
    EXPECT_THAT(inspect(folder_).damage.value_or("whole"), HasSubstr(words));
  }

  TempFolder run_;
  fs::path folder_;
};

TEST_F(Inspecting, FindsNothingInAWholeOne) {
  const Inspection found = inspect(folder_);
  EXPECT_EQ(found.damage, std::nullopt);
  EXPECT_TRUE(found.has_sums);
  EXPECT_GT(found.bytes, 0U);
}

TEST_F(Inspecting, SeesAFlippedBitInAnyFile) {
  for (const char* file : {kModelFile, kEmaFile, kOptimizerFile, kStateFile}) {
    const std::string whole = read_text(folder_ / file);
    flip_a_bit(folder_ / file);
    expect_damage(file);
    EXPECT_THAT(damage_of(folder_, file).value_or("whole"), HasSubstr(file));
    write_file_atomically(folder_ / file, whole);
  }
  EXPECT_EQ(inspect(folder_).damage, std::nullopt);
}

TEST_F(Inspecting, SeesAFileThatWasCutOrIsMissing) {
  for (const char* file : {kModelFile, kEmaFile, kOptimizerFile, kStateFile}) {
    const std::string whole = read_text(folder_ / file);
    write_file_atomically(folder_ / file, std::string_view(whole).substr(0, whole.size() - 1));
    expect_damage(file);
    fs::remove(folder_ / file);
    expect_damage(file);
    write_file_atomically(folder_ / file, whole);
  }
}

TEST_F(Inspecting, SeesFilesThatWereExchanged) {
  fs::rename(folder_ / kModelFile, folder_ / "kept");
  fs::rename(folder_ / kOptimizerFile, folder_ / kModelFile);
  fs::rename(folder_ / "kept", folder_ / kOptimizerFile);
  expect_damage(kModelFile);
}

TEST_F(Inspecting, SeesAFolderWithTheNameOfAnotherStep) {
  fs::rename(folder_, run_ / "step-00000013");
  folder_ = run_ / "step-00000013";
  expect_damage("after step 12");
}

TEST_F(Inspecting, SeesAManifestThatIsTorn) {
  write_file_atomically(folder_ / kManifestFile, "{\"version\": 1");
  expect_damage(kManifestFile);
}

TEST_F(Inspecting, SeesAManifestThatListsNothing) {
  write_manifest(folder_, {.step = 12, .files = {}});
  expect_damage("is not in its manifest.json");
}

TEST_F(Inspecting, SeesAnAbsurdHeaderThoughItsSumIsRight) {
  std::string content = read_text(folder_ / kModelFile);
  content.replace(0, 8, 8, '\xff');
  write_file_atomically(folder_ / kModelFile, content);
  Manifest manifest = read_manifest(folder_).value();
  for (FileSum& sum : manifest.files) {
    sum = sum_of(folder_ / sum.name);
  }
  write_manifest(folder_, manifest);
  expect_damage("longer than the file");
}

TEST_F(Inspecting, SeesAManifestThatIsGone) {
  fs::remove(folder_ / kManifestFile);
  expect_damage("manifest.json' is missing");
}

TEST_F(Inspecting, OfOneBeforeManifestsReadsWhatItCan) {
  fs::remove(folder_ / kManifestFile);
  nlohmann::json state = nlohmann::json::parse(read_text(folder_ / kStateFile));
  state["version"] = 2;
  write_file_atomically(folder_ / kStateFile, state.dump());
  EXPECT_FALSE(inspect(folder_).has_sums);
  EXPECT_EQ(inspect(folder_).damage, std::nullopt);
  write_file_atomically(folder_ / kStateFile, "{}");
  expect_damage(kStateFile);
}

}  // namespace
}  // namespace lockstep::checkpoint::inspection_test
