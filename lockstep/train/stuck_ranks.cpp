#include "lockstep/train/stuck_ranks.h"

#include <algorithm>

#include "lockstep/base/text.h"
#include "lockstep/parallel/core/rendezvous.h"

namespace lockstep::train {
namespace {

std::vector<std::string> names_of_ranks(const parallel::World& world) {
  std::vector<std::string> names;
  for (std::size_t place = 0; place < world.devices.size(); ++place) {
    names.push_back(parallel::rank_name(world.first_rank + static_cast<int>(place)));
  }
  return names;
}

/// Where another process has failed before, that one tells its error.
void leave_stuck_ranks(const parallel::World& world, const RunHooks& hooks, Journal* journal,
                       std::exception_ptr error) {
  std::string reason;
  try {
    world.together([&] { std::rethrow_exception(error); });
  } catch (const std::exception& told) {
    error = std::current_exception();
    reason = told.what();
  }
  hooks.leave(error, [journal, reason] {
    if (journal != nullptr) {
      journal->ended(text("failed: ", reason));
    }
  });
}

}  // namespace

std::unique_ptr<Watchdog> watch_over_ranks(const parallel::World& world, const RunHooks& hooks, Journal* journal,
                                           parallel::LaunchOptions& launching) {
  if (!hooks.leave) {
    return nullptr;
  }
  launching.grace = std::min(launching.grace, launching.timeout);
  launching.when_stuck = [&world, &hooks, journal](const std::exception_ptr& error) {
    leave_stuck_ranks(world, hooks, journal, error);
  };
  return std::make_unique<Watchdog>(launching.timeout, names_of_ranks(world), launching.when_stuck);
}

}  // namespace lockstep::train
