#include "lockstep/train/options.h"

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::train {
namespace {

void require(bool holds, const char* flag, const char* range) {
  if (!holds) {
    throw UsageError(text(flag, " is out of its range"), text("give ", range));
  }
}

}  // namespace

void TrainOptions::validate() const {
  require(epochs >= 1, "--epochs", "1 or more");
  require(!max_steps || *max_steps >= 1, "--max-steps", "1 or more");
  require(batch_size >= 1, "--batch-size", "1 or more");
  require(accumulation_steps >= 1, "--accumulation-steps", "1 or more");
  require(!global_batch || *global_batch >= 1, "--global-batch", "1 or more");
  schedule.validate();
  require(clip_norm >= 0, "--clip-norm", "0 for no clipping, or a number above it");
  require(weight_decay >= 0, "--weight-decay", "0 or more");
  require(evaluate_every >= 1, "--evaluate-every", "1 or more");
  require(checkpoint_minutes > 0, "--checkpoint-minutes", "a number above 0");
  require(keep_checkpoints >= 1, "--keep-checkpoints", "1 or more");
  require(!threads_per_rank || *threads_per_rank >= 1, "--threads-per-rank", "1 or more");
  require(!num_workers || *num_workers >= 1, "--num-workers", "1 or more");
  require(prefetch_factor >= 1, "--prefetch-factor", "1 or more");
  require(watchdog_seconds >= 1, "--watchdog", "1 second or more");
}

}  // namespace lockstep::train
