#include "lockstep/observe/run_log.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <optional>
#include <thread>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/base/faults.h"
#include "lockstep/base/files.h"
#include "lockstep/observe/run_history.h"
#include "tests/support/temp_folder.h"

namespace lockstep::observe::run_log_test {
namespace {

void append(const std::filesystem::path& path, const std::string& content) {
  std::ofstream(path, std::ios::app) << content;
}

TEST(RunLog, WritesOneObjectALineWithEventAndTimeFirst) {
  const test::TempFolder folder;
  RunLog(folder / "run.jsonl").write("warning", {{"message", "two\nlines"}, {"a", 1}});
  const std::string content = read_text(folder / "run.jsonl");
  EXPECT_TRUE(content.starts_with(R"({"event":"warning","time":"20)")) << content;
  EXPECT_TRUE(content.ends_with("Z\",\"a\":1,\"message\":\"two\\nlines\"}\n")) << content;
}

TEST(RunLog, TerminatesATornLineAndKeepsIt) {
  const test::TempFolder folder;
  const auto path = folder / "run.jsonl";
  const std::string before = "{\"event\":\"start\",\"time\":\"t\"}\n{\"event\":\"ste";
  append(path, before);
  {
    RunLog log(path);
    log.write("warning", {{"number", 1}});
    log.write("warning", {{"number", 2}});
  }
  EXPECT_TRUE(read_text(path).starts_with(before + "\n{\"event\":\"warning\""));
  const auto records = read_run_log(path);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[2].at("number"), 2);
}

TEST(RunLog, NumbersComeBackToTheBitAndWhatIsNotFiniteIsNull) {
  const test::TempFolder folder;
  const auto path = folder / "run.jsonl";
  const double third = std::nextafter(1.0 / 3.0, 1.0);
  RunLog(path).write("numbers", {{"third", third},
                                 {"nan", std::numeric_limits<double>::quiet_NaN()},
                                 {"infinity", std::numeric_limits<double>::infinity()}});
  const auto record = read_run_log(path).at(0);
  EXPECT_EQ(record.at("third").get<double>(), third);
  EXPECT_TRUE(record.at("nan").is_null());
  EXPECT_TRUE(record.at("infinity").is_null());
}

TEST(RunLog, WritesNamesThatAreNotValidUtf8) {
  const test::TempFolder folder;
  RunLog(folder / "run.jsonl").write("warning", {{"file", "caf\xe9.jpg"}});
  EXPECT_EQ(read_run_log(folder / "run.jsonl").at(0).at("file"), "caf\xef\xbf\xbd.jpg");
}

TEST(RunLog, NamesTheFileThatCannotBeWritten) {
  const test::TempFolder folder;
  const auto path = folder / "missing" / "run.jsonl";
  try {
    RunLog log(path);
    FAIL() << "opened";
  } catch (const MachineError& error) {
    EXPECT_NE(std::string(error.what()).find(path.string()), std::string::npos);
  }
}

TEST(RunLog, SaysThatTheDiskIsFull) {
  if (!std::filesystem::exists("/dev/full")) {
    GTEST_SKIP() << "no /dev/full";
  }
  RunLog log("/dev/full");
  EXPECT_FALSE(log.failure());
  log.write("warning", nlohmann::json::object());
  ASSERT_TRUE(log.failure());
  EXPECT_EQ(log.failure()->problem(), "cannot write '/dev/full': No space left on device");
}

/// A disk that is full, for as long as it lives.
struct FullDisk {
  FullDisk() { let_writes_fail(); }
  ~FullDisk() { let_writes_fail(0); }
};

void write_numbers(RunLog& log, int begin, int end) {
  for (int number = begin; number < end; ++number) {
    log.write("number", {{"number", number}});
  }
}

TEST(RunLog, KeepsWhatTheDiskDoesNotTakeAndWritesItInOrderLater) {
  const test::TempFolder folder;
  RunLog log(folder / "run.jsonl");
  write_numbers(log, 0, 2);
  {
    const FullDisk full;
    write_numbers(log, 2, 5);
    EXPECT_TRUE(log.failure());
    EXPECT_EQ(read_run_log(folder / "run.jsonl").size(), 2u);
  }
  write_numbers(log, 5, 6);
  EXPECT_FALSE(log.failure());
  const auto records = read_run_log(folder / "run.jsonl");
  ASSERT_EQ(records.size(), 6u);
  for (std::size_t i = 0; i < records.size(); ++i) {
    EXPECT_EQ(records[i].at("number"), i);
  }
}

TEST(RunLog, WritesWhatStillWaitsWhenItGoes) {
  const test::TempFolder folder;
  {
    std::optional<FullDisk> full(std::in_place);
    RunLog log(folder / "run.jsonl");
    write_numbers(log, 0, 2);
    full.reset();
  }
  EXPECT_EQ(read_run_log(folder / "run.jsonl").size(), 2u);
}

TEST(RunLog, SaysHowManyRecordsWereLostWhereMemoryHasNoRoomEither) {
  const test::TempFolder folder;
  RunLog log(folder / "run.jsonl", /*most_waiting=*/200);
  {
    const FullDisk full;
    write_numbers(log, 0, 100);
  }
  write_numbers(log, 100, 101);
  const auto records = read_run_log(folder / "run.jsonl");
  const std::size_t kept = records.size() - 2;
  ASSERT_GE(kept, 1u);
  EXPECT_EQ(records[kept].at("event"), "warning");
  EXPECT_EQ(records[kept].at("message"), std::to_string(100 - kept) + " records are missing here: the disk was full");
  EXPECT_EQ(records.back().at("number"), 100);
}

TEST(RunLog, KeepsLinesWholeWhenThreadsWriteAtOnce) {
  const test::TempFolder folder;
  {
    RunLog log(folder / "run.jsonl");
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&log] {
        for (int k = 0; k < 50; ++k) {
          log.write("warning", {{"message", std::string(200, 'x')}});
        }
      });
    }
  }
  EXPECT_EQ(read_run_log(folder / "run.jsonl").size(), 200u);
}

}  // namespace
}  // namespace lockstep::observe::run_log_test
