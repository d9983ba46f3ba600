#pragma once

#include <functional>

#include "lockstep/data/decode_pool.h"
#include "lockstep/parallel/launch.h"
#include "lockstep/train/options.h"
#include "lockstep/train/run_watch.h"

namespace lockstep::train {

/// Runs `body` on every device of the options, with a pool of decode threads that the ranks share: for what is no
/// training, such as evaluation and prediction.
void on_all_devices(const TrainOptions& options, const RunHooks& hooks,
                    const std::function<void(parallel::Rank& rank, data::DecodePool& pool)>& body);

}  // namespace lockstep::train
