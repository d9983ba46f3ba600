// Runs the built program with one rank a process, started by itself and by torchrun.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include "tests/program/small_run.h"

namespace lockstep::program::processes_test {
namespace {

using testing::HasSubstr;

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

class Processes : public testing::Test {
 protected:
  Processes() { test::write_dataset(folder_ / "data", 7, 3); }

  path in_folder(const std::string& name) const { return folder_ / name; }

  /// Without the program's name.
  Words training(const std::string& into, const Words& more = {}) const {
    return training_on(folder_ / "data", folder_ / into) + Words{"--threads-per-rank", "1"} + more;
  }

  ProcessResult run(const std::string& into, const Words& more) const { return program::run(training(into, more)); }

  void expect_same_losses(const std::string& one, const std::string& other) const {
    const auto first = events(in_folder(one), "step");
    const auto second = events(in_folder(other), "step");
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
  test::RunningProcess running(command(training("run", {"--devices", "cpu:2", "--ranks", "process", "--epochs", "1000",
                                                        "--evaluate-every", "1000", "--watchdog", "30"})));
  ASSERT_TRUE(waited_for([&] { return events(in_folder("run"), "step").size() >= 2; }));
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
  test::RunningProcess running(command(training("run", {"--devices", "cpu:2", "--ranks", "process", "--epochs", "1000",
                                                        "--evaluate-every", "1000", "--watchdog", "3"})));
  ASSERT_TRUE(waited_for([&] { return events(in_folder("run"), "step").size() >= 2; }));
  ::kill(children_of(running.id()).at(1), SIGSTOP);
  const ProcessResult result = running.wait();
  EXPECT_EQ(result.exit_code, kTraining);
  EXPECT_THAT(result.errors, HasSubstr("rank 0 waited 3 s for rank 1, which does not answer"));
  EXPECT_EQ(count_errors(result.errors), 1) << result.errors;
}

TEST_F(Processes, ASignalStopsAllAndTheSameCommandResumes) {
  const Words more{"--devices", "cpu:2", "--ranks", "process", "--epochs", "20", "--evaluate-every", "20"};
  test::RunningProcess running(command(training("run", more)));
  ASSERT_TRUE(waited_for([&] { return events(in_folder("run"), "step").size() >= 2; }));
  running.send_signal(SIGTERM);
  const ProcessResult stopped = running.wait();
  EXPECT_EQ(stopped.exit_code, kStopped) << stopped.errors;
  const std::size_t done = events(in_folder("run"), "step").size();
  ASSERT_LT(done, 80U);
  const ProcessResult resumed = run("run", more + Words{"--max-steps", std::to_string(done + 2)});
  EXPECT_EQ(resumed.exit_code, kFinished) << resumed.errors;
  EXPECT_EQ(events(in_folder("run"), "step").size(), done + 2);
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
    const test::RunningProcess running(command(
        training("run", {"--devices", "cpu:2", "--ranks", "process", "--epochs", "1000", "--evaluate-every", "1000"})));
    ASSERT_TRUE(waited_for([&] { return events(in_folder("run"), "step").size() >= 1; }));
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
}  // namespace lockstep::program::processes_test
