#pragma once

#include <functional>

#include "lockstep/data/bad_samples.h"
#include "lockstep/data/decode_pool.h"
#include "lockstep/parallel/launch.h"
#include "lockstep/tasks/task.h"
#include "lockstep/train/precision.h"

namespace lockstep::train {

struct SweepOptions {
  std::int64_t batch_size = 1;
  Precision precision{};
  data::BadSamples* bad_samples = nullptr;  ///< samples that cannot be read are left out and noted here; null: an error
  std::function<bool()> leave{};  ///< asked before each batch: whether to leave the rest; never where it is null
};

/// Takes a rank through its share of a set, once and in order, with the network in evaluation mode and no gradients:
/// `visit` sees each batch of at most so many samples, and none that is empty since its samples cannot be read. The
/// shares of all ranks make up the set. Says whether it came to the end of the share.
bool sweep(const parallel::Rank& rank, const data::Dataset& set, tasks::Model& model, data::DecodePool& pool,
           const SweepOptions& options, const std::function<void(const tasks::DeviceBatch&)>& visit);

/// The same for a few samples by number, as one batch, decoded by the calling thread. No batch size holds.
void visit_samples(const parallel::Rank& rank, const data::Dataset& set, tasks::Model& model,
                   const std::vector<std::uint64_t>& indices, const SweepOptions& options,
                   const std::function<void(const tasks::DeviceBatch&)>& visit);

}  // namespace lockstep::train
