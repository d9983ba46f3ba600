#pragma once

#include <stdexcept>
#include <string>

namespace lockstep {

/// What the program ends with; scripts rely on these numbers (docs/exit-codes.md).
enum class ExitCode : int {
  kFinished = 0,
  kUsage = 2,     ///< a wrong flag, option or recipe
  kData = 3,      ///< a file of the user's is missing, broken or does not fit
  kMachine = 4,   ///< the machine lacks something: a device, memory, disk
  kTraining = 5,  ///< training failed; what was saved is safe
  kStopped = 75,  ///< stopped early; the same command resumes
};

/// Something that the user can mend. The message says what is wrong and where (file, flag or field); the remedy says
/// what to do. Both end up in one line on stderr.
class UserError : public std::runtime_error {
 public:
  UserError(ExitCode code, const std::string& problem, const std::string& remedy);

  ExitCode code() const { return code_; }

  /// What is wrong, without the remedy.
  const std::string& problem() const { return problem_; }

 private:
  ExitCode code_;
  std::string problem_;
};

class UsageError : public UserError {
 public:
  UsageError(const std::string& problem, const std::string& remedy);
};

class DataError : public UserError {
 public:
  DataError(const std::string& problem, const std::string& remedy);
};

class MachineError : public UserError {
 public:
  MachineError(const std::string& problem, const std::string& remedy);
};

class TrainingError : public UserError {
 public:
  TrainingError(const std::string& problem, const std::string& remedy);
};

namespace detail {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line, const std::string& message);
}

}  // namespace lockstep

/// For mistakes of ours, never for a user's: throws std::logic_error.
#define LOCKSTEP_ASSERT(condition, message)                                            \
  do {                                                                                 \
    if (!(condition)) {                                                                \
      ::lockstep::detail::assertion_failed(#condition, __FILE__, __LINE__, (message)); \
    }                                                                                  \
  } while (false)
