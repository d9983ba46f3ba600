#include "lockstep/train/resources.h"

#include <algorithm>

#include "lockstep/base/log.h"
#include "lockstep/base/text.h"

namespace lockstep::train {
namespace {

bool is_on_cpu(const parallel::World& world) { return world.devices.front().is_cpu(); }

/// Those that may use the same cores.
int ranks_on(const parallel::World& world) {
  return static_cast<int>(world.devices.size()) * world.processes_that_share_cores;
}

int decode_threads_wanted(const parallel::World& world, int cores, const TrainOptions& options) {
  return static_cast<int>(options.num_workers.value_or(is_on_cpu(world) ? std::max(1, cores / 4) : cores));
}

}  // namespace

int most_threads_per_rank(const parallel::World& world, int cores, const TrainOptions& options) {
  const int free_cores = cores - decode_threads_wanted(world, cores, options);
  return is_on_cpu(world) ? std::max(1, free_cores / ranks_on(world)) : 1;
}

Resources share_cores(const parallel::World& world, int cores, const TrainOptions& options, int threads_of_run) {
  const int ranks = ranks_on(world);
  Resources shares;
  shares.decode_threads = decode_threads_wanted(world, cores, options);
  if (shares.decode_threads > cores) {
    log::info(text("--num-workers ", shares.decode_threads, ": more than the ", cores, " cores do not help; ", cores,
                   " are used"));
    shares.decode_threads = cores;
  }

  const int by_rule = threads_of_run > 0 ? threads_of_run : most_threads_per_rank(world, cores, options);
  shares.threads_per_rank = static_cast<int>(options.threads_per_rank.value_or(by_rule));
  if (shares.threads_per_rank > 1 && shares.threads_per_rank * ranks + shares.decode_threads > cores) {
    log::warn(text(shares.threads_per_rank, " threads a rank, ", ranks, " ranks and ", shares.decode_threads,
                   " decode threads are more than the ", cores, " cores: steps may take many times as long"));
  }
  shares.decode_threads = std::max(1, shares.decode_threads / world.processes_that_share_cores);
  return shares;
}

}  // namespace lockstep::train
