#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

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
  std::filesystem::path pretrained;  ///< weights to start from (safetensors); empty: none

  std::string scheduler = "onecycle";  ///< "onecycle" or "cosine"
  double learning_rate = 2e-3;
  double min_learning_rate = 0;
  double warmup_epochs = 0;
  double weight_decay = 0.01;  ///< not on biases, norms and other parameters of less than two dimensions
  double clip_norm = 1.0;      ///< of the gradients' global L2 norm; 0: no clipping

  std::int64_t evaluate_every = 1;    ///< epochs; the last is always evaluated
  double checkpoint_minutes = 60;     ///< besides one at the end of every epoch
  std::int64_t keep_checkpoints = 2;  ///< besides the best

  std::string devices = "auto";
  std::string ranks = "thread";                  ///< or "process": what carries a rank
  std::optional<std::int64_t> threads_per_rank;  ///< of an operator on the CPU
  std::optional<std::int64_t> num_workers;       ///< decode threads, for all ranks together
  std::int64_t prefetch_factor = 2;              ///< passes decoded ahead, for each rank
  bool deterministic = false;                    ///< on GPUs: only algorithms that repeat their bits
  double watchdog_seconds = 600;                 ///< how long ranks wait for each other

  /// Throws UsageError, naming the flag, for a number out of its range.
  void validate() const;
};

}  // namespace lockstep::train
