#include "lockstep/base/cpu_time.h"

#include <ctime>

namespace lockstep {
namespace {

double read_clock(clockid_t clock) {
  std::timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace

double cpu_seconds_of_process() { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

double cpu_seconds_of_thread() { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

}  // namespace lockstep
