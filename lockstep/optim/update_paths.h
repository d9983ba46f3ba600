#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "lockstep/optim/ema.h"
#include "lockstep/optim/optimizer_options.h"
#include "lockstep/parallel/arena.h"

namespace lockstep::optim {

/// What an optimizer keeps of a bucket from update to update.
struct Memory {
  /// AdamW and Adam: mean and uncentred variance of the gradients; SGD: the velocity, or nothing as long as there is no
  /// momentum. Each is laid as the bucket's values. (elements) float32
  std::vector<at::Tensor> moments;
  std::vector<std::int64_t> steps;  ///< updates of each slot, this one included where it is used
};

/// Part `index` of `count` even ones.
struct UpdateShare {
  int index = 0;
  int count = 1;
};

/// One update of a whole arena. `update.momentum` is set.
struct UpdateJob {
  const OptimizerOptions& options;
  const Update& update;
  std::vector<parallel::Bucket>& buckets;
  const std::vector<Memory>& memories;  ///< one a bucket
  const Ema* ema;                       ///< nullptr where there is none
  UpdateShare share{};                  ///< of the work, by kernels alone
};

/// On the CPU, by our own loops: they work slot by slot in pieces that stay in the first-level cache, so that weights,
/// gradients, moments and average go through memory once. The pieces are shared out over at::get_num_threads() threads.
void update_by_kernels(const UpdateJob& job);

/// On any device, by LibTorch's fused functions over whole runs of neighbouring slots. Overwrites the gradients where
/// they have a factor.
void update_by_flat_calls(const UpdateJob& job);

}  // namespace lockstep::optim
