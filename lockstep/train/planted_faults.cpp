#include "lockstep/train/planted_faults.h"

#include <chrono>
#include <thread>

#include "lockstep/base/read_throttle.h"

namespace lockstep::train {

void plant_slow_disk(const TrainOptions& options) {
  constexpr double kMebibyte = 1 << 20;
  throttle_reads(options.throttled_mebibytes.value_or(0) * kMebibyte);
}

void plant_slow_rank(const TrainOptions& options, int rank) {
  if (options.slow_rank == rank) {
    std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(options.slow_milliseconds));
  }
}

}  // namespace lockstep::train
