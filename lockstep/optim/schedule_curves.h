#pragma once

#include <cstdint>
#include <string>

#include "lockstep/optim/schedule.h"

/// The curves behind `Schedule`, one a kind: what step `done` (from 0) of the `steps` after the warm-up uses. The
/// operations come in PyTorch's order, since near the end of a fall a rounded cosine is most of what is left.
namespace lockstep::optim {

ScheduleValue cosine(const ScheduleOptions& options, std::int64_t done, std::int64_t steps);
ScheduleValue restarts(const ScheduleOptions& options, std::int64_t done);
ScheduleValue one_cycle(const ScheduleOptions& options, std::int64_t done, std::int64_t steps);
ScheduleValue polynomial(const ScheduleOptions& options, std::int64_t done, std::int64_t steps);
ScheduleValue falling_steps(const ScheduleOptions& options, std::int64_t done);
ScheduleValue on_plateau(const ScheduleOptions& options, const PlateauState& state);

/// One fall of a schedule with warm restarts.
struct Fall {
  std::int64_t restarts = 0;  ///< before it
  std::int64_t start = 0;     ///< steps before it, from the end of the warm-up
  std::int64_t length = 0;    ///< steps
};

/// The fall in which step `done` after the warm-up lies.
Fall fall_at(const ScheduleOptions& options, std::int64_t done);

/// "cosine 5/40" for the step with four before it.
std::string count_phase(const std::string& name, std::int64_t done, std::int64_t steps);

}  // namespace lockstep::optim
