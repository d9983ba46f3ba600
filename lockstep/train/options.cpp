#include "lockstep/train/options.h"

#include "lockstep/base/duration.h"
#include "lockstep/base/error.h"
#include "lockstep/base/faults.h"
#include "lockstep/base/text.h"
#include "lockstep/observe/forecast.h"

namespace lockstep::train {
namespace {

void require(bool holds, const char* flag, const char* range) {
  if (!holds) {
    throw UsageError(text(flag, " is out of its range"), text("give ", range));
  }
}

void validate_stages(const TrainOptions& options) {
  require(options.stage1_epochs >= 0 && options.stage1_epochs <= options.epochs, "--stage1-epochs",
          "0 for one stage, or up to --epochs, which counts both stages");
  require(!options.stage2_batch_size || *options.stage2_batch_size >= 1, "--stage2-batch-size", "1 or more");
  require(!options.stage2_learning_rate || *options.stage2_learning_rate > 0, "--stage2-lr", "a number above 0");
  require(!options.skip_stage1 || options.stage1_epochs < options.epochs, "--skip-stage1",
          "more --epochs than --stage1-epochs, or nothing is left");
  const bool second_is_named =
      options.skip_stage1 || options.stage2_batch_size || options.stage2_learning_rate || options.progressive_unfreeze;
  if ((options.stage1_epochs == 0 || options.stage1_epochs == options.epochs) && second_is_named) {
    throw UsageError("--skip-stage1, --stage2-batch-size, --stage2-lr and --progressive-unfreeze are about two stages",
                     "give --stage1-epochs, the epochs of the first of them, fewer than --epochs");
  }
}

}  // namespace

void TrainOptions::validate() const {
  schedule.validate();
  validate_stages(*this);
  if (!target.empty()) {
    observe::parse_target(target);
  }
  if (!time_budget.empty()) {
    parse_duration("--time-budget", time_budget);
  }
  if (!quota.empty()) {
    parse_duration("--quota", quota);
  }
  if (momentum && optimizer != "sgd") {
    throw UsageError(text("--momentum is not for --optimizer ", optimizer), "leave it out, or give --optimizer sgd");
  }
  if (momentum && schedule.scheduler == "onecycle") {
    throw UsageError("--momentum has no effect with --scheduler onecycle, which moves it by itself",
                     "leave it out, or choose another --scheduler");
  }
  require(!momentum || (*momentum >= 0 && *momentum < 1), "--momentum", "0 or more, and less than 1");
  require(ema_decay >= 0 && ema_decay < 1, "--ema-decay", "0 for no average, or a number below 1 such as 0.9998");
  require(!bucket_mebibytes || *bucket_mebibytes > 0, "--bucket-mb", "a number above 0");
  require(epochs >= 1, "--epochs", "1 or more");
  require(!start_epoch || (*start_epoch >= 0 && *start_epoch < epochs), "--start-epoch",
          "0 or more, and less than --epochs");
  if (start_epoch && (resume_from.empty() || std::filesystem::is_directory(resume_from))) {
    throw UsageError("--start-epoch is for --resume-from with a file of weights: a run knows its epoch",
                     "leave it out, or give such a file");
  }
  require(!max_steps || *max_steps >= 1, "--max-steps", "1 or more");
  require(batch_size >= 1, "--batch-size", "1 or more");
  require(accumulation_steps >= 1, "--accumulation-steps", "1 or more");
  require(!global_batch || *global_batch >= 1, "--global-batch", "1 or more");
  require(clip_norm >= 0, "--clip-norm", "0 for no clipping, or a number above it");
  require(weight_decay >= 0, "--weight-decay", "0 or more");
  require(evaluate_every >= 1, "--evaluate-every", "1 or more");
  require(checkpoint_minutes > 0, "--checkpoint-minutes", "a number above 0");
  require(keep_checkpoints >= 1, "--keep-checkpoints", "1 or more");
  require(!threads_per_rank || *threads_per_rank >= 1, "--threads-per-rank", "1 or more");
  require(!num_workers || *num_workers >= 1, "--num-workers", "1 or more");
  require(prefetch_factor >= 1, "--prefetch-factor", "1 or more");
  require(max_bad_samples >= 0, "--max-bad-samples", "0 or more");
  require(watchdog_seconds >= 1, "--watchdog", "1 second or more");
  parse_faults(faults);
}

}  // namespace lockstep::train
