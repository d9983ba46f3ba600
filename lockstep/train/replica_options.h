#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "lockstep/optim/ema.h"
#include "lockstep/optim/optimizer.h"
#include "lockstep/parallel/arena.h"
#include "lockstep/train/options.h"

// What the options of a run ask of a replica's buckets, optimizer and averages.
namespace lockstep::train {

/// The size of a bucket of gradients. By default there are some eight, so that all but the last are reduced while
/// backward goes on, but none so small that its overhead shows and none so large that it comes late.
std::int64_t bucket_bytes(const TrainOptions& options, const std::vector<parallel::ArenaParameter>& parameters);

/// The group of a parameter, whose weight decay is its own in optimizer_options(): that is for matrices and filters;
/// pulling biases, norms and scales to zero only hurts.
int option_group(const at::Tensor& parameter);

/// Throws UsageError for an optimizer that there is not.
optim::OptimizerOptions optimizer_options(const TrainOptions& options);

optim::EmaOptions ema_options(const TrainOptions& options);

}  // namespace lockstep::train
