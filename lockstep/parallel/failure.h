#pragma once

#include <exception>
#include <string>

namespace lockstep::parallel {

/// Whether this is how LibTorch, or the system, says that there is no memory left.
bool is_out_of_memory(const std::exception& error);

/// An error as the user is told it.
struct Failure {
  std::exception_ptr error;
  std::string words;
};

/// The exception that is being handled, which is one of std::exception: a UserError as it is; anything else as
/// MachineError where memory or threads have run out, or TrainingError, either with the words "`what` failed" before
/// the first line of its message.
Failure current_failure(const std::string& what);

}  // namespace lockstep::parallel
