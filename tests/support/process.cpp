#include "tests/support/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <stdexcept>

#include "lockstep/base/files.h"
#include "tests/support/temp_folder.h"

extern char** environ;

namespace lockstep::test {

ProcessResult run_process(const std::vector<std::string>& command) {
  const TempFolder folder;
  const std::string output = folder / "output";
  const std::string errors = folder / "errors";
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  ::posix_spawn_file_actions_addopen(&actions, 2, errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  pid_t child = -1;
  const int error = ::posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    throw std::runtime_error("cannot start " + command[0]);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ProcessResult result;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.output = read_text(output);
  result.errors = read_text(errors);
  return result;
}

bool python_has(const std::vector<std::string>& modules) {
  if (!std::filesystem::exists(LOCKSTEP_TEST_PYTHON)) {
    return false;
  }
  std::string code = "import importlib.util, sys\nsys.exit(any(importlib.util.find_spec(m) is None for m in sys.argv[1:]))";
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
