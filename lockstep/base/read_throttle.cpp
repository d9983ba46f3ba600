#include "lockstep/base/read_throttle.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "lockstep/base/clock.h"

namespace lockstep {
namespace {

std::atomic<double> rate{0};  // bytes a second

/// When the disk has given what was asked of it so far.
struct Disk {
  std::mutex mutex;
  Clock::time_point free_at;
};

Disk& disk() {
  static Disk instance;
  return instance;
}

Clock::time_point take_turn(Seconds duration) {
  const std::lock_guard lock(disk().mutex);
  disk().free_at = std::max(disk().free_at, Clock::now()) + std::chrono::duration_cast<Clock::duration>(duration);
  return disk().free_at;
}

}  // namespace

void throttle_reads(double bytes_per_second) { rate = bytes_per_second; }

void await_throttled_read(std::size_t bytes) {
  const double bytes_per_second = rate.load(std::memory_order_relaxed);
  if (bytes_per_second > 0) {
    std::this_thread::sleep_until(take_turn(Seconds(static_cast<double>(bytes) / bytes_per_second)));
  }
}

}  // namespace lockstep
