#include "lockstep/train/resources.h"

#include <algorithm>

#include "lockstep/base/log.h"
#include "lockstep/base/text.h"

namespace lockstep::train {

Resources share_cores(const std::vector<c10::Device>& devices, int cores, const TrainOptions& options,
                      int threads_of_run) {
  const bool on_cpu = devices.front().is_cpu();
  const int ranks = static_cast<int>(devices.size());

  Resources shares;
  const int wanted = on_cpu ? std::max(1, cores / 4) : cores;
  shares.decode_threads = static_cast<int>(options.num_workers.value_or(wanted));
  if (shares.decode_threads > cores) {
    log::info(text("--num-workers ", shares.decode_threads, ": more than the ", cores, " cores do not help; ", cores,
                   " are used"));
    shares.decode_threads = cores;
  }

  const int free_cores = cores - shares.decode_threads;
  const int fitting = on_cpu ? std::max(1, free_cores / ranks) : 1;
  shares.threads_per_rank =
      static_cast<int>(options.threads_per_rank.value_or(threads_of_run > 0 ? threads_of_run : fitting));
  if (shares.threads_per_rank > 1 && shares.threads_per_rank * ranks + shares.decode_threads > cores) {
    log::warn(text(shares.threads_per_rank, " threads a rank, ", ranks, " ranks and ", shares.decode_threads,
                   " decode threads are more than the ", cores, " cores: steps may take many times as long"));
  }
  return shares;
}

}  // namespace lockstep::train
