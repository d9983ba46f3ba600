#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/optim/schedule.h"

namespace lockstep::optim {

/// How the learning rate goes, as a user says it: by name, in epochs. What is not set has the default that stands
/// beside it, so that each task may default to another schedule, and a number that its schedule does not use is found.
struct ScheduleChoice {
  std::string scheduler = "onecycle";  ///< one of schedule_names()
  double learning_rate = 2e-3;
  std::optional<double> min_learning_rate;  ///< cosine, plateau: 0; restarts: 1e-6
  double warmup_epochs = 0;                 ///< in front of any schedule

  std::optional<std::int64_t> restart_epochs;    ///< restarts: 10
  std::optional<std::int64_t> restart_factor;    ///< restarts: 2
  std::optional<double> power;                   ///< polynomial: 1
  std::optional<std::int64_t> step_epochs;       ///< step: 30
  std::optional<double> gamma;                   ///< step: 0.1
  std::optional<double> plateau_factor;          ///< plateau: 0.1
  std::optional<std::int64_t> plateau_patience;  ///< plateau: 10 evaluations
  std::optional<double> plateau_threshold;       ///< plateau: 1e-4 of the best
  std::optional<std::int64_t> plateau_cooldown;  ///< plateau: 0 evaluations

  std::optional<std::int64_t> lr_base_batch;         ///< the global batch for which the learning rate was found
  std::optional<std::string> lr_scaling;             ///< one of scaling_names(): sqrt
  std::optional<double> deep_supervision_lr_factor;  ///< 1

  /// Throws UsageError, naming the flag, for a number out of its range and for one that the schedule does not use.
  void validate() const;
};

/// The names of the schedules, as --scheduler takes them.
const std::vector<std::string>& schedule_names();

/// The schedule of a run (or a stage) of so many epochs at this learning rate. Throws what validate() throws, and
/// UsageError where the warm-up or the smallest learning rate leaves no room.
ScheduleOptions in_steps(const ScheduleChoice& choice, std::int64_t epochs, std::int64_t steps_per_epoch,
                         double learning_rate);

/// A word for a user whose run ends in the middle of a fall of warm restarts, where the learning rate is still high:
/// which numbers of epochs end with a fall. Nothing for other runs.
std::optional<std::string> word_on_open_restart(const ScheduleOptions& options, std::int64_t steps_per_epoch);

}  // namespace lockstep::optim
