#include "lockstep/parallel/failure.h"

#include <c10/util/Exception.h>

#include <new>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::parallel {
namespace {

template <typename Error>
Failure failure(const Error& error) {
  return {std::make_exception_ptr(error), error.what()};
}

}  // namespace

bool is_out_of_memory(const std::exception& error) {
  return dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
         dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
         std::string(error.what()).find("can't allocate memory") != std::string::npos;  // c10's CPU allocator
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
    return failure(TrainingError(problem, "what was saved is safe: the same command resumes"));
  }
}

}  // namespace lockstep::parallel
