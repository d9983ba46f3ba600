#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "lockstep/base/clock.h"
#include "lockstep/base/files.h"
#include "tests/support/photographs.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

/// The built program as a user runs it. Each training run is one of seconds: a few photographs of 50 pixels, shown to
/// the smallest network at 32 pixels.
namespace lockstep::program {

using std::filesystem::path;
using test::ProcessResult;
using Words = std::vector<std::string>;

enum Exit { kFinished = 0, kUsage = 2, kData = 3, kMachine = 4, kTraining = 5, kStopped = 75 };

inline Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// With the program's name in front.
inline Words command(const Words& words) { return Words{LOCKSTEP_TEST_PROGRAM} + words; }

inline ProcessResult run(const Words& words) { return test::run_process(command(words)); }

/// The arguments that train on a dataset for two epochs, and evaluate once.
inline Words training_on(const path& dataset, const path& run_folder) {
  return {"train",
          "camouflage",
          "--dataset-path",
          dataset,
          "--checkpoint-dir",
          run_folder,
          "--num-workers",
          "1",
          "--backbone",
          "edgenext_xx_small",
          "--img-size",
          "32",
          "--decoder-width",
          "16",
          "--dropout",
          "0.1",
          "--drop-path",
          "0.1",
          "--epochs",
          "2",
          "--batch-size",
          "1",
          "--evaluate-every",
          "2"};
}

inline int count_errors(const std::string& text) {
  int errors = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    errors += line.starts_with("lockstep: error: ") ? 1 : 0;
  }
  return errors;
}

/// What the program says of an error is exactly one line, the last on stderr.
inline void expect_error(const ProcessResult& result, Exit code, const testing::Matcher<std::string>& message) {
  EXPECT_EQ(result.exit_code, code) << result.errors;
  EXPECT_EQ(count_errors(result.errors), 1) << result.errors;
  std::istringstream lines(result.errors);
  std::string last;
  for (std::string line; std::getline(lines, line);) {
    last = line;
  }
  EXPECT_THAT(last, testing::AllOf(testing::StartsWith("lockstep: error: "), message));
}

/// What a run's log has of one kind; nothing before there is a log.
inline std::vector<nlohmann::json> events(const path& run_folder, const std::string& name) {
  std::vector<nlohmann::json> found;
  if (!std::filesystem::exists(run_folder / "run.jsonl")) {
    return found;
  }
  std::istringstream log(read_text(run_folder / "run.jsonl"));
  for (std::string line; std::getline(log, line);) {
    const nlohmann::json record = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!record.is_discarded() && record.at("event") == name) {
      found.push_back(record);
    }
  }
  return found;
}

inline bool waited_for(const std::function<bool()>& condition) {
  for (const Stopwatch waited; waited.seconds() < 100;) {
    if (condition()) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

/// A dataset of eight photographs to train on (photo-00.jpg, photo-01.png, …) and four to evaluate on.
class SmallRun : public testing::Test {
 protected:
  SmallRun() { test::write_dataset(dataset(), 8, 4); }

  path dataset() const { return folder_ / "data"; }
  path run_folder() const { return folder_ / "run"; }
  path in_folder(const std::string& name) const { return folder_ / name; }

  /// The arguments that train on two ranks, for four steps an epoch.
  Words training(const Words& more = {}, const std::string& into = "run") const {
    return training_on(dataset(), folder_ / into) + Words{"--devices", "cpu:2", "--threads-per-rank", "1"} + more;
  }

 private:
  test::TempFolder folder_;
};

}  // namespace lockstep::program
