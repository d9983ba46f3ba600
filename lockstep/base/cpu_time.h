#pragma once

namespace lockstep {

/// Seconds for which a processor worked for this process, all its threads together, in user and system mode.
double cpu_seconds_of_process();

/// The same for the calling thread.
double cpu_seconds_of_thread();

}  // namespace lockstep
