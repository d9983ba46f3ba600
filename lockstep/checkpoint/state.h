#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/optim/loss_scaler.h"
#include "lockstep/optim/plateau.h"

namespace lockstep::checkpoint {

/// The best evaluation so far.
struct Best {
  std::string metric;
  double value = 0;
  std::int64_t step = 0;
};

/// What parts of a run took when they were last measured, in seconds; 0 where they were not yet.
struct Costs {
  double step = 0;
  double evaluation = 0;
  double save = 0;    ///< until the snapshot is whole on the disk
  double finish = 0;  ///< what comes after the loop: weights, report, pictures
};

/// How the last steps of a run went.
struct Course {
  std::int64_t applied_in_a_row = 0;
  std::int64_t skips_in_a_row = 0;      ///< since loss or gradient was not finite
  std::int64_t rollbacks_in_a_row = 0;  ///< with few updates between them …
  std::int64_t rolled_back_at = 0;      ///< … and the update of the last one
};

/// Everything about a run that is not a tensor: with the three files of tensors beside it, the whole run.
struct State {
  std::uint64_t seed = 0;
  std::int64_t step = 0;           ///< steps done: global batches consumed
  std::int64_t updates = 0;        ///< steps whose update was applied
  std::int64_t skipped = 0;        ///< steps whose loss or gradient was not finite, but for the search of a loss scale
  std::int64_t dropped = 0;        ///< steps in which a rank failed
  std::int64_t epoch = 0;          ///< the epoch of the next step
  std::int64_t step_in_epoch = 0;  ///< where in that epoch's order the next step begins, in global batches
  std::vector<std::int64_t> global_batches;     ///< samples a step, by stage
  std::int64_t samples_per_epoch = 0;           ///< of the training set; an order is an order of so many
  std::int64_t evaluated_step = 0;              ///< the step after which the last evaluation was made
  optim::LossScalerState loss_scaler;           ///< fp16
  optim::PlateauState plateau;                  ///< of the schedule of that name, in the present stage
  std::string precision;                        ///< chosen for the device at the start
  std::string memory_format = "channels-last";  ///< chosen at the start; sums depend on it
  std::int64_t evaluate_every = 1;              ///< epochs; a schedule of the kind plateau depends on it
  std::vector<std::string> landing_order;       ///< of the gradients, as measured; sums over processes depend on it
  bool on_cpu = true;
  int world_size = 1;
  int threads_per_rank = 1;      ///< chosen from the machine at the start; on the CPU, sums depend on it
  double elapsed_seconds = 0;    ///< from the start to the last step, without the pauses before resumes
  std::int64_t micro_batch = 0;  ///< samples that a pass may have since memory ran out; 0: as many as are planned
  double rate_factor = 1;        ///< times the schedule's learning rate, since roll-backs
  std::int64_t rollbacks = 0;    ///< to weights from before gradients stopped being finite
  Course course;
  Costs costs;
  std::optional<Best> best;
};

nlohmann::json to_json(const State& state);

/// Throws DataError, naming `source` and the field, where something is missing or of the wrong kind.
State state_from_json(const nlohmann::json& json, const std::string& source);

}  // namespace lockstep::checkpoint
