#pragma once

#include "lockstep/base/clock.h"
#include "lockstep/base/error.h"

namespace lockstep::parallel {

/// Whether this process is one of several that a launcher, or `run_as_processes`, has started.
bool is_one_of_several_processes();

/// Runs this program again with the same arguments in `count` processes, each with one rank, and waits for them. They
/// find each other at a port on the loopback device that the system chooses. SIGINT and SIGTERM are passed on to them;
/// they end when this process does. When one fails, the others are ended. Gives kFinished or kStopped as they end, or
/// the code of the first that failed, which has told its error itself. Throws TrainingError where a signal has ended
/// one. To be called from the only thread.
ExitCode run_as_processes(int count);

}  // namespace lockstep::parallel
