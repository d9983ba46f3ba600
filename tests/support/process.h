#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/temp_folder.h"

namespace lockstep::test {

struct ProcessResult {
  int exit_code = -1;  ///< 128 + the signal's number where a signal ended it
  std::string output;  ///< what went to stdout
  std::string errors;  ///< what went to stderr
  long peak_kib = 0;   ///< the most memory that it held at a time
};

/// A program that runs while the test goes on.
class RunningProcess {
 public:
  explicit RunningProcess(const std::vector<std::string>& command);

  /// Kills it if it still runs.
  ~RunningProcess();
  RunningProcess(const RunningProcess&) = delete;
  RunningProcess& operator=(const RunningProcess&) = delete;

  void send_signal(int number) const;

  pid_t id() const { return child_; }

  /// Waits for its end.
  ProcessResult wait();

 private:
  TempFolder folder_;
  pid_t child_ = -1;
};

/// Runs a program to its end.
ProcessResult run_process(const std::vector<std::string>& command);

/// Whether the Python of the test environment can import all of these modules.
bool python_has(const std::vector<std::string>& modules);

/// Runs a committed script, named from the root of the source tree, with the Python of the test environment.
ProcessResult run_python(const std::string& script, const std::vector<std::string>& arguments);

/// A folder of the shared real data, or an empty path where it is not there (then the test is skipped).
std::filesystem::path shared_data(const std::string& name);

/// The root of the source tree.
std::filesystem::path source_dir();

}  // namespace lockstep::test
