#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "lockstep/optim/schedule_choice.h"

namespace lockstep::train {

/// How to train, for every task. Each task chooses its own defaults where these do not fit.
struct TrainOptions {
  std::filesystem::path checkpoint_dir;  ///< the run folder
  bool fresh = false;                    ///< set a run aside that is there already

  std::int64_t epochs = 60;
  std::optional<std::int64_t> max_steps;  ///< stop after so many steps; the schedule is that of all epochs
  std::int64_t batch_size = 8;            ///< samples a rank and forward pass
  std::int64_t accumulation_steps = 1;
  std::optional<std::uint64_t> global_batch;  ///< samples a step over all ranks; accumulation then follows
  std::uint64_t seed = 0;
  std::filesystem::path pretrained;   ///< a file of weights to start from; empty: none
  std::filesystem::path resume_from;  ///< a run to take up, which lies in the run folder by then, or a file of weights
  std::optional<std::int64_t> start_epoch;  ///< epochs that count as done with such a file; by default what it says

  optim::ScheduleChoice schedule;
  std::string optimizer = "adamw";  ///< "adamw", "adam" or "sgd"
  std::optional<double> momentum;   ///< SGD: 0.9
  double weight_decay = 0.01;       ///< not on biases, norms and other parameters of less than two dimensions
  double clip_norm = 1.0;           ///< of the gradients' global L2 norm; 0: no clipping

  std::string precision = "auto";      ///< "fp32", "bf16", "fp16" or what the device computes fastest
  std::string memory_format = "auto";  ///< "channels-last", "contiguous" or what a rule chooses
  double ema_decay = 0;                ///< of the averaged weights; 0: none
  bool ema_warmup = true;              ///< let the decay rise to that, so that the average soon forgets where it began
  std::optional<double> bucket_mebibytes;  ///< gradients that are summed together; by default a rule decides

  std::int64_t stage1_epochs = 0;  ///< of the epochs, with the backbone frozen; 0: one stage only
  bool skip_stage1 = false;        ///< count them as done
  std::optional<std::int64_t> stage2_batch_size;
  std::optional<double> stage2_learning_rate;
  bool progressive_unfreeze = false;  ///< thaw the backbone part by part in stage 2
  bool sync_batch_norm = false;       ///< for networks that have batch norm
  std::string target;                 ///< a metric to reach, as "iou=0.72"; empty: none

  std::int64_t evaluate_every = 1;    ///< epochs; the last is always evaluated
  double checkpoint_minutes = 60;     ///< besides one at the end of every epoch
  std::int64_t keep_checkpoints = 2;  ///< besides the best

  std::string devices = "auto";
  std::string ranks = "thread";                  ///< or "process": what carries a rank
  std::optional<std::int64_t> threads_per_rank;  ///< of an operator on the CPU
  bool autotune = false;                         ///< measure what is fastest where the two are left open
  std::optional<std::int64_t> num_workers;       ///< decode threads, for all ranks together
  std::int64_t prefetch_factor = 2;              ///< passes decoded ahead, for each rank
  std::int64_t max_bad_samples = 0;              ///< that cannot be read, and are left out; one more ends the run
  bool deterministic = false;                    ///< on GPUs: only algorithms that repeat their bits
  double watchdog_seconds = 600;                 ///< how long ranks wait for each other

  std::string time_budget;  ///< how long the program may run, from its start to its end, as "11h30m"; empty: no limit
  std::string quota;        ///< the same for all starts of this run together
  std::function<double()> age_seconds;  ///< how long it has been running; null: as the machine says

  /// Faults that are planted, as "nan-loss@5,rank=1;hang@9": to try what the run does about them.
  std::string faults;

  // Faults that can be planted, for whoever checks that 'lockstep diagnose' finds them.
  std::optional<double> throttled_mebibytes;  ///< a second, that reading samples gets
  std::optional<std::int64_t> slow_rank;      ///< the rank that is slower than the others …
  double slow_milliseconds = 100;             ///< … by so much in each pass

  /// Throws UsageError, naming the flag, for a number out of its range.
  void validate() const;
};

}  // namespace lockstep::train
