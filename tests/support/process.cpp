#include "tests/support/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <stdexcept>

#include "lockstep/base/files.h"

extern char** environ;

namespace lockstep::test {

RunningProcess::RunningProcess(const std::vector<std::string>& command) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, (folder_ / "output").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  ::posix_spawn_file_actions_addopen(&actions, 2, (folder_ / "errors").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  const int error = ::posix_spawnp(&child_, arguments[0], &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    throw std::runtime_error("cannot start " + command[0]);
  }
}

RunningProcess::~RunningProcess() {
  if (child_ > 0) {
    send_signal(SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
}

void RunningProcess::send_signal(int number) const { ::kill(child_, number); }

ProcessResult RunningProcess::wait() {
  int status = 0;
  rusage usage{};
  ::wait4(child_, &status, 0, &usage);
  child_ = -1;
  ProcessResult result;
  result.peak_kib = usage.ru_maxrss;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.output = read_text(folder_ / "output");
  result.errors = read_text(folder_ / "errors");
  return result;
}

ProcessResult run_process(const std::vector<std::string>& command) { return RunningProcess(command).wait(); }

bool python_has(const std::vector<std::string>& modules) {
  if (!std::filesystem::exists(LOCKSTEP_TEST_PYTHON)) {
    return false;
  }
  std::string code =
      "import importlib.util, sys\nsys.exit(any(importlib.util.find_spec(m) is None for m in sys.argv[1:]))";
  std::vector<std::string> command{LOCKSTEP_TEST_PYTHON, "-c", code};
  command.insert(command.end(), modules.begin(), modules.end());
  return run_process(command).exit_code == 0;
}

ProcessResult run_python(const std::string& script, const std::vector<std::string>& arguments) {
  std::vector<std::string> command{LOCKSTEP_TEST_PYTHON, source_dir() / script};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run_process(command);
}

std::filesystem::path shared_data(const std::string& name) {
  const std::filesystem::path folder = source_dir().parent_path() / "shared" / "data" / name;
  return std::filesystem::exists(folder) ? folder : std::filesystem::path();
}

std::filesystem::path source_dir() { return LOCKSTEP_TEST_SOURCE_DIR; }

}  // namespace lockstep::test
