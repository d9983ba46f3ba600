#include "lockstep/train/resources.h"

#include <algorithm>

#include "lockstep/base/log.h"
#include "lockstep/base/text.h"

namespace lockstep::train {

Resources share_cores(const parallel::World& world, int cores, const TrainOptions& options, int threads_of_run) {
  const bool on_cpu = world.devices.front().is_cpu();
  const int processes = world.processes_that_share_cores;
  const int ranks = static_cast<int>(world.devices.size()) * processes;

  Resources shares;
  const int wanted = on_cpu ? std::max(1, cores / 4) : cores;
  shares.decode_threads = static_cast<int>(options.num_workers.value_or(wanted));
  if (shares.decode_threads > cores) {
    log::info(text("--num-workers ", shares.decode_threads, ": more than the ", cores, " cores do not help; ", cores,
                   " are used"));
    shares.decode_threads = cores;
  }
  const int own_decode_threads = std::max(1, shares.decode_threads / processes);

  const int free_cores = cores - shares.decode_threads;
  const int fitting = on_cpu ? std::max(1, free_cores / ranks) : 1;
  shares.threads_per_rank =
      static_cast<int>(options.threads_per_rank.value_or(threads_of_run > 0 ? threads_of_run : fitting));
  if (shares.threads_per_rank > 1 && shares.threads_per_rank * ranks + shares.decode_threads > cores) {
    log::warn(text(shares.threads_per_rank, " threads a rank, ", ranks, " ranks and ", shares.decode_threads,
                   " decode threads are more than the ", cores, " cores: steps may take many times as long"));
  }
  shares.decode_threads = own_decode_threads;
  return shares;
}

}  // namespace lockstep::train
