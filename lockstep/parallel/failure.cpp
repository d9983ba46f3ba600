#include "lockstep/parallel/failure.h"

#include <c10/util/Exception.h>

#include <new>
#include <system_error>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::parallel {
namespace {

template <typename Error>
Failure failure(const Error& error) {
  return {std::make_exception_ptr(error), error.what()};
}

bool says(const std::exception& error, const char* words) {
  return std::string(error.what()).find(words) != std::string::npos;
}

/// Whether no further thread could be started.
bool is_out_of_threads(const std::exception& error) {
  const auto* of_system = dynamic_cast<const std::system_error*>(&error);
  return of_system != nullptr && of_system->code() == std::errc::resource_unavailable_try_again;
}

}  // namespace

bool is_out_of_memory(const std::exception& error) {
  return dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
         dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
         says(error, "can't allocate memory") ||       // c10's CPU allocator
         says(error, "could not create a primitive");  // oneDNN, where there is none for its code or its scratch
}

Failure current_failure(const std::string& what) {
  try {
    throw;
  } catch (const UserError& error) {
    return {std::current_exception(), error.what()};
  } catch (const std::exception& error) {
    const std::string problem = text(what, " failed: ", first_line(error.what()));
    if (is_out_of_memory(error)) {
      return failure(MachineError(problem, "lower --batch-size or --img-size; what was saved is safe"));
    }
    if (is_out_of_threads(error)) {
      return failure(MachineError(text(problem, " (no further thread can be started)"),
                                  "leave the program more memory, or raise its limits (ulimit -u, ulimit -v); what was "
                                  "saved is safe"));
    }
    return failure(TrainingError(problem, "what was saved is safe: the same command resumes"));
  }
}

}  // namespace lockstep::parallel
