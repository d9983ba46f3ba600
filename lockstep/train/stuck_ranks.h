#pragma once

#include <exception>
#include <functional>
#include <memory>

#include "lockstep/parallel/launch.h"
#include "lockstep/parallel/world.h"
#include "lockstep/train/journal.h"
#include "lockstep/train/watchdog.h"

namespace lockstep::train {

/// What a run asks of the program around it.
struct RunHooks {
  /// Ends the process though threads of it are stuck (see cli/leave.h), after `last_words`, which write down why.
  /// Without it a rank that stands still for ever is waited for.
  std::function<void(const std::exception_ptr& error, const std::function<void()>& last_words)> leave;
};

/// Lets the ranks that are about to be launched end the process where one of them gets stuck: by `launching`, where
/// others miss it, and by the watchdog that is given back, where nobody is left to do so. `journal`, which is null in
/// all processes but the first, has the last words. All must outlive the watchdog. Null where the program has no hook.
std::unique_ptr<Watchdog> watch_over_ranks(const parallel::World& world, const RunHooks& hooks, Journal* journal,
                                           parallel::LaunchOptions& launching);

}  // namespace lockstep::train
