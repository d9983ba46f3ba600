#include "lockstep/train/run_watch.h"

#include <algorithm>
#include <utility>

#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/parallel/core/rendezvous.h"

namespace lockstep::train {
namespace {

std::string words_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& told) {
    return told.what();
  }
}

/// The error that this process tells: where another one has failed before, that one does.
std::exception_ptr error_to_tell(const parallel::World& world, const std::exception_ptr& error) {
  try {
    world.together([&] { std::rethrow_exception(error); });
  } catch (const std::exception&) {
    return std::current_exception();
  }
  return error;
}

}  // namespace

RunWatch::RunWatch(const parallel::World& world, const RunHooks& hooks, Seconds limit)
    : world_(world),
      hooks_(hooks),
      limit_(limit),
      own_name_(world.processes == 1 ? "the program" : text("the process of ", parallel::rank_name(world.first_rank))),
      own_thread_(own_name_) {
  if (hooks_.leave) {
    watchdog_.emplace(limit_, watched_names(), [this](const std::exception_ptr& standstill) { leave(standstill); });
  }
}

std::vector<std::string> RunWatch::watched_names() const {
  std::vector<std::string> names;
  for (std::size_t place = 0; place < world_.devices.size(); ++place) {
    names.push_back(parallel::rank_name(world_.first_rank + static_cast<int>(place)));
  }
  names.push_back(own_name_);
  return names;
}

void RunWatch::launch(const parallel::World& world, int threads_per_rank,
                      const std::function<void(parallel::Rank&)>& body) {
  parallel::LaunchOptions options{.threads_per_rank = threads_per_rank, .timeout = limit_};
  if (hooks_.leave) {
    options.grace = std::min(options.grace, limit_);
    options.when_stuck = [this](const std::exception_ptr& error) { leave(error); };
  }
  try {
    parallel::launch(world, options, body);
  } catch (const std::exception&) {
    const std::lock_guard lock(mutex_);
    first_error_ = std::current_exception();
    throw;
  }
}

void RunWatch::set_last_words(LastWords words) {
  const std::lock_guard lock(mutex_);
  last_words_ = std::move(words);
}

void RunWatch::leave(const std::exception_ptr& standstill) {
  const std::lock_guard lock(mutex_);  // for good: `leave` of the hooks does not return
  const std::exception_ptr error = error_to_tell(world_, first_error_ ? first_error_ : standstill);
  hooks_.leave(error, [this, error, standstill] {
    if (first_error_) {
      log::warn(text("the end of a run that has failed stands still: ", words_of(standstill)));
    }
    if (last_words_) {
      last_words_(text("failed: ", words_of(error)));
    }
  });
}

}  // namespace lockstep::train
