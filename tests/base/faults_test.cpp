#include "lockstep/base/faults.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "tests/support/temp_folder.h"

namespace lockstep::faults_test {
namespace {

using testing::HasSubstr;

TEST(Faults, AreReadFromWords) {
  const std::vector<Fault> faults =
      parse_faults("nan-loss@5,rank=1;oom-backward@7,samples=3;hang@9,rank=0,seconds=1.5");
  ASSERT_EQ(faults.size(), 3U);
  EXPECT_EQ(faults[0].kind, FaultKind::kNanLoss);
  EXPECT_EQ(faults[0].step, 5);
  EXPECT_EQ(faults[0].rank, 1);
  EXPECT_EQ(faults[1].kind, FaultKind::kOomBackward);
  EXPECT_EQ(faults[1].samples, 3U);
  EXPECT_FALSE(faults[1].rank);
  EXPECT_EQ(faults[2].kind, FaultKind::kHang);
  EXPECT_EQ(faults[2].seconds, 1.5);
  EXPECT_TRUE(parse_faults("").empty());
}

TEST(Faults, OfEveryKindHaveAName) {
  const char* words =
      "nan-loss@1;inf-grad@1;oom-forward@1;oom-backward@1;throw@1;hang@1;slow@1;kill@1;disk-full@1;bad-sample@1";
  const std::vector<Fault> faults = parse_faults(words);
  ASSERT_EQ(faults.size(), 10U);
  EXPECT_EQ(faults.front().kind, FaultKind::kNanLoss);
  EXPECT_EQ(faults.back().kind, FaultKind::kBadSample);
}

TEST(Faults, ThatCannotBeReadAreNamed) {
  const std::vector<std::pair<const char*, const char*>> wrong = {
      {"nan@5", "'nan'"},           {"throw", "''"},
      {"throw@0", "'0'"},           {"throw@x", "'x'"},
      {"throw@5,rank=-1", "'-1'"},  {"throw@5,ranks=1", "'ranks'"},
      {"hang@5,seconds=", "''"},    {"hang@5,seconds=nan", "'nan'"},
      {"throw@5;;throw@6", "''"},   {"throw@5,samples=2", "'throw@5,samples=2'"},
      {"kill@5,seconds=2", "kill"}, {"throw@99999999999999999999", "99999999999999999999"},
  };
  for (const auto& [words, named] : wrong) {
    SCOPED_TRACE(words);
    try {
      parse_faults(words);
      ADD_FAILURE() << "was read";
    } catch (const UsageError& error) {
      EXPECT_THAT(error.what(), HasSubstr("--inject"));
      EXPECT_THAT(error.what(), HasSubstr(named));
    }
  }
}

TEST(Faults, StrikeInTheirStepOnly) {
  const Fault fault = parse_faults("throw@5,rank=1").at(0);
  EXPECT_TRUE(fault.strikes(1, 5, 8));
  EXPECT_FALSE(fault.strikes(0, 5, 8));
  EXPECT_FALSE(fault.strikes(1, 4, 8));
  EXPECT_FALSE(fault.strikes(1, 6, 8));
}

TEST(Faults, OfMemoryStrikeEveryLargePassFromTheirStepOn) {
  const Fault fault = parse_faults("oom-forward@5,samples=4").at(0);
  EXPECT_FALSE(fault.strikes(0, 4, 8));
  EXPECT_TRUE(fault.strikes(0, 5, 8));
  EXPECT_TRUE(fault.strikes(2, 50, 5));
  EXPECT_FALSE(fault.strikes(0, 50, 4));
}

TEST(Faults, AFullDiskLeavesWhatWasThere) {
  const test::TempFolder folder;
  write_file_atomically(folder / "file", std::string_view("before"));
  let_writes_fail();
  EXPECT_THROW(write_file_atomically(folder / "file", std::string_view("after")), MachineError);
  let_writes_fail(0);
  EXPECT_EQ(read_text(folder / "file"), "before");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
  write_file_atomically(folder / "file", std::string_view("after"));
  EXPECT_EQ(read_text(folder / "file"), "after");
}

}  // namespace
}  // namespace lockstep::faults_test
