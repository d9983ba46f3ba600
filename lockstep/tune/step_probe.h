#pragma once

#include <cstdint>
#include <vector>

#include "lockstep/base/clock.h"
#include "lockstep/observe/step_timer.h"
#include "lockstep/parallel/world.h"
#include "lockstep/train/plan.h"
#include "lockstep/train/resources.h"

namespace lockstep::tune {

/// What the ranks did that made some steps of training together.
struct StepMeasurement {
  std::int64_t steps = 0;
  std::int64_t samples = 0;
  double seconds = 0;
  double busy_cores = 0;                       ///< that the process kept at work, decode threads included, on the mean
  std::vector<observe::PartSeconds> of_ranks;  ///< over all steps
  std::uint64_t end_position = 0;              ///< behind all that was loaded, in the order of the stage's epochs

  /// Of a step, in which that rank waited neither for data nor for other ranks.
  double busy_seconds(const observe::PartSeconds& of_rank) const {
    return of_rank.utilisation() * of_rank.sum() / static_cast<double>(steps);
  }

  double samples_per_second() const { return static_cast<double>(samples) / seconds; }
  double seconds_per_step() const { return seconds / static_cast<double>(steps); }
  double samples_per_step() const { return static_cast<double>(samples) / static_cast<double>(steps); }
};

/// Makes steps of training, as a run makes them, with all ranks of the world and for about so long after some that do
/// not count: those in which the network is first used, and those that live on what was decoded ahead before. All is in
/// one process. The stage is the last of the plan; they begin at the first step that holds nothing before
/// `first_position`, which counts over its epochs. Throws as train::run, but after a single step that fails:
/// MachineError where there is not enough memory, else TrainingError.
StepMeasurement measure_steps(const parallel::World& world, const train::Plan& plan, const train::Resources& resources,
                              Seconds duration, std::uint64_t first_position = 0);

/// The seconds that each rank takes for one forward and backward pass over its batch while the others are idle.
std::vector<double> measure_ranks_alone(const parallel::World& world, const train::Plan& plan,
                                        const train::Resources& resources);

}  // namespace lockstep::tune
