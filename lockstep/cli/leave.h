#pragma once

#include <exception>
#include <functional>

#include "lockstep/base/error.h"

namespace lockstep::cli {

/// Says in one line on stderr what an exception is about, unless another process does, and gives the code that stands
/// for it.
ExitCode tell(const std::exception_ptr& error);

/// Ends the program although threads of it are stuck, so that they cannot be joined: tells the error and ends with its
/// code, without running any destructor. `last_words` write down what is still to be written; they, too, may get stuck,
/// and have at most 30 s. Any thread may call it; where several do, the first has its way.
[[noreturn]] void leave_at_once(const std::exception_ptr& error, const std::function<void()>& last_words);

}  // namespace lockstep::cli
