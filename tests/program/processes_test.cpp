// Runs the built program with one rank a process, started by itself and by torchrun.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "lockstep/base/clock.h"
#include "lockstep/base/files.h"
#include "tests/support/photographs.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::program {
namespace {

using std::filesystem::path;
using test::ProcessResult;
using testing::HasSubstr;
using Words = std::vector<std::string>;

enum Exit { kFinished = 0, kUsage = 2, kData = 3, kTraining = 5, kStopped = 75 };

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::vector<nlohmann::json> steps(const path& run_folder) {
  std::vector<nlohmann::json> found;
  if (!std::filesystem::exists(run_folder / "run.jsonl")) {
    return found;
  }
  std::istringstream log(read_text(run_folder / "run.jsonl"));
  for (std::string line; std::getline(log, line);) {
    const nlohmann::json record = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!record.is_discarded() && record.at("event") == "step") {
      found.push_back(record);
    }
  }
  return found;
}

int count_errors(const std::string& text) {
  int errors = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    errors += line.starts_with("lockstep: error: ") ? 1 : 0;
  }
  return errors;
}

/// The processes that `parent` has started and that still run, in the order of their start.
std::vector<pid_t> children_of(pid_t parent) {
  const std::string id = std::to_string(parent);
  std::ifstream list("/proc/" + id + "/task/" + id + "/children");
  std::vector<pid_t> children;
  for (pid_t child = 0; list >> child;) {
    children.push_back(child);
  }
  return children;
}

bool waited_for(const std::function<bool()>& condition) {
  for (const Stopwatch waited; waited.seconds() < 100;) {
    if (condition()) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

class Processes : public testing::Test {
 protected:
  Processes() { test::write_dataset(folder_ / "data", 7, 3); }

  path in_folder(const std::string& name) const { return folder_ / name; }

  /// Without the program's name.
  Words training(const std::string& into, const Words& more = {}) const {
    return Words{"train",
                 "camouflage",
                 "--dataset-path",
                 folder_ / "data",
                 "--checkpoint-dir",
                 folder_ / into,
                 "--num-workers",
                 "1",
                 "--backbone",
                 "edgenext_xx_small",
                 "--img-size",
                 "32",
                 "--decoder-width",
                 "16",
                 "--epochs",
                 "2",
                 "--batch-size",
                 "1",
                 "--threads-per-rank",
                 "1",
                 "--evaluate-every",
                 "2"} +
           more;
  }

  ProcessResult run(const std::string& into, const Words& more) const {
    return test::run_process(Words{LOCKSTEP_TEST_PROGRAM} + training(into, more));
  }

  void expect_same_losses(const std::string& one, const std::string& other) const {
    const auto first = steps(in_folder(one));
    const auto second = steps(in_folder(other));
    ASSERT_FALSE(first.empty());
    ASSERT_EQ(first.size(), second.size());
    for (std::size_t i = 0; i < first.size(); ++i) {
      const double loss = first[i].at("loss");
      EXPECT_NEAR(second[i].at("loss"), loss, 1e-5 * loss) << "step " << i + 1;
      EXPECT_EQ(second[i].at("samples"), first[i].at("samples")) << "step " << i + 1;
    }
  }

 private:
  test::TempFolder folder_;
};

TEST_F(Processes, GiveTheLossesOfThreads) {
  for (const char* devices : {"cpu:2", "cpu:3"}) {
    SCOPED_TRACE(devices);
    const std::string threads = std::string("threads-") + devices;
    const std::string processes = std::string("processes-") + devices;
    ASSERT_EQ(run(threads, {"--devices", devices}).exit_code, kFinished);
    const ProcessResult result = run(processes, {"--devices", devices, "--ranks", "process"});
    ASSERT_EQ(result.exit_code, kFinished) << result.errors;
    expect_same_losses(threads, processes);
    EXPECT_THAT(result.errors, HasSubstr("processes for training"));
    EXPECT_TRUE(std::filesystem::exists(in_folder(processes) / "report.html"));
    EXPECT_TRUE(std::filesystem::exists(in_folder(processes) / "model.safetensors"));
  }
}

TEST_F(Processes, StartedByTorchrunGiveTheLossesOfThreads) {
  const path torchrun = path(LOCKSTEP_TEST_PYTHON).parent_path() / "torchrun";
  if (!std::filesystem::exists(torchrun)) {
    GTEST_SKIP() << "no torchrun";
  }
  ASSERT_EQ(run("threads", {"--devices", "cpu:2"}).exit_code, kFinished);
  const Words launcher{torchrun, "--standalone", "--nproc-per-node", "2"};

  const ProcessResult plain = test::run_process(launcher + Words{"--no-python", LOCKSTEP_TEST_PROGRAM} +
                                                training("plain", {"--devices", "cpu"}));
  ASSERT_EQ(plain.exit_code, kFinished) << plain.errors;
  expect_same_losses("threads", "plain");

  ::setenv("LOCKSTEP_PROGRAM", LOCKSTEP_TEST_PROGRAM, 1);
  const ProcessResult script = test::run_process(launcher + Words{test::source_dir() / "scripts/lockstep.py"} +
                                                 training("script", {"--devices", "cpu:2"}));
  ::unsetenv("LOCKSTEP_PROGRAM");
  ASSERT_EQ(script.exit_code, kFinished) << script.errors;
  expect_same_losses("threads", "script");

  const ProcessResult wrong = test::run_process(launcher + Words{"--no-python", LOCKSTEP_TEST_PROGRAM} +
                                                training("wrong", {"--devices", "cpu:3"}));
  EXPECT_NE(wrong.exit_code, kFinished);
  EXPECT_THAT(wrong.errors, HasSubstr("--devices cpu:3 names 3 ranks"));
}

TEST_F(Processes, ARankThatIsKilledEndsTheOthersAndIsNamed) {
  test::RunningProcess running(Words{LOCKSTEP_TEST_PROGRAM} +
                               training("run", {"--devices", "cpu:2", "--ranks", "process", "--epochs", "1000",
                                                "--evaluate-every", "1000", "--watchdog", "30"}));
  ASSERT_TRUE(waited_for([&] { return steps(in_folder("run")).size() >= 2; }));
  const std::vector<pid_t> ranks = children_of(running.id());
  ASSERT_EQ(ranks.size(), 2U);
  ::kill(ranks[1], SIGKILL);
  const Stopwatch watch;
  const ProcessResult result = running.wait();
  EXPECT_LT(watch.seconds(), 30);
  EXPECT_EQ(result.exit_code, kTraining);
  EXPECT_THAT(result.errors, HasSubstr("rank 1 was ended by signal 9"));
  EXPECT_EQ(count_errors(result.errors), 1) << result.errors;
  EXPECT_NE(::kill(ranks[0], 0), 0);
}

TEST_F(Processes, AStoppedRankIsNamedAfterTheTimeOut) {
  test::RunningProcess running(Words{LOCKSTEP_TEST_PROGRAM} +
                               training("run", {"--devices", "cpu:2", "--ranks", "process", "--epochs", "1000",
                                                "--evaluate-every", "1000", "--watchdog", "3"}));
  ASSERT_TRUE(waited_for([&] { return steps(in_folder("run")).size() >= 2; }));
  ::kill(children_of(running.id()).at(1), SIGSTOP);
  const ProcessResult result = running.wait();
  EXPECT_EQ(result.exit_code, kTraining);
  EXPECT_THAT(result.errors, HasSubstr("rank 0 waited 3 s for rank 1, which does not answer"));
  EXPECT_EQ(count_errors(result.errors), 1) << result.errors;
}

TEST_F(Processes, ASignalStopsAllAndTheSameCommandResumes) {
  const Words more{"--devices", "cpu:2", "--ranks", "process", "--epochs", "20", "--evaluate-every", "20"};
  test::RunningProcess running(Words{LOCKSTEP_TEST_PROGRAM} + training("run", more));
  ASSERT_TRUE(waited_for([&] { return steps(in_folder("run")).size() >= 2; }));
  running.send_signal(SIGTERM);
  const ProcessResult stopped = running.wait();
  EXPECT_EQ(stopped.exit_code, kStopped) << stopped.errors;
  const std::size_t done = steps(in_folder("run")).size();
  ASSERT_LT(done, 80U);
  const ProcessResult resumed = run("run", more + Words{"--max-steps", std::to_string(done + 2)});
  EXPECT_EQ(resumed.exit_code, kFinished) << resumed.errors;
  EXPECT_EQ(steps(in_folder("run")).size(), done + 2);
}

TEST_F(Processes, OneOfThemTellsAnErrorAndItsCodeIsThatOfTheRun) {
  write_file_atomically(in_folder("data") / "train/images/photo-01.png", std::string_view("not an image"));
  const ProcessResult result = run("run", {"--devices", "cpu:2", "--ranks", "process"});
  EXPECT_EQ(result.exit_code, kData) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("photo-01.png"));
  EXPECT_EQ(count_errors(result.errors), 1) << result.errors;
}

TEST_F(Processes, EndWithTheProcessThatStartedThem) {
  std::vector<pid_t> ranks;
  {
    const test::RunningProcess running(
        Words{LOCKSTEP_TEST_PROGRAM} +
        training("run", {"--devices", "cpu:2", "--ranks", "process", "--epochs", "1000", "--evaluate-every", "1000"}));
    ASSERT_TRUE(waited_for([&] { return steps(in_folder("run")).size() >= 1; }));
    ranks = children_of(running.id());
  }  // killed here
  ASSERT_EQ(ranks.size(), 2U);
  const auto is_gone = [](pid_t id) {
    std::string status;
    std::getline(std::ifstream("/proc/" + std::to_string(id) + "/stat"), status);
    return status.empty() || status.find(") Z ") != std::string::npos;
  };
  EXPECT_TRUE(waited_for([&] { return is_gone(ranks[0]) && is_gone(ranks[1]); }));
}

}  // namespace
}  // namespace lockstep::program
