#include "lockstep/base/error.h"

#include "lockstep/base/text.h"

namespace lockstep {

UserError::UserError(ExitCode code, const std::string& problem, const std::string& remedy)
    : std::runtime_error(remedy.empty() ? problem : problem + "; " + remedy), code_(code), problem_(problem) {}

UsageError::UsageError(const std::string& problem, const std::string& remedy)
    : UserError(ExitCode::kUsage, problem, remedy) {}

DataError::DataError(const std::string& problem, const std::string& remedy)
    : UserError(ExitCode::kData, problem, remedy) {}

MachineError::MachineError(const std::string& problem, const std::string& remedy)
    : UserError(ExitCode::kMachine, problem, remedy) {}

TrainingError::TrainingError(const std::string& problem, const std::string& remedy)
    : UserError(ExitCode::kTraining, problem, remedy) {}

namespace detail {

void assertion_failed(const char* condition, const char* file, int line, const std::string& message) {
  throw std::logic_error(text("internal error: ", message, " [", condition, " at ", file, ":", line, "]"));
}

}  // namespace detail

}  // namespace lockstep
