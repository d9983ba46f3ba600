#include "lockstep/train/all_devices.h"

#include "lockstep/parallel/devices.h"
#include "lockstep/train/resources.h"

namespace lockstep::train {

void on_all_devices(const TrainOptions& options, const RunHooks& hooks,
                    const std::function<void(parallel::Rank& rank, data::DecodePool& pool)>& body) {
  options.validate();
  const parallel::World world(parallel::parse_devices(options.devices));
  const Resources resources = share_cores(world, parallel::available_cores(), options, /*threads_of_run=*/0);
  RunWatch watch(world, hooks, Seconds(options.watchdog_seconds));
  data::DecodePool pool(resources.decode_threads);
  watch.launch(world, resources.threads_per_rank, [&](parallel::Rank& rank) { body(rank, pool); });
}

}  // namespace lockstep::train
