#include "lockstep/parallel/launch.h"

#include <torch/torch.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "lockstep/base/error.h"
#include "lockstep/base/log.h"
#include "lockstep/base/probe.h"
#include "lockstep/base/text.h"
#include "lockstep/parallel/c10d_group.h"
#include "lockstep/parallel/core/rendezvous.h"
#include "lockstep/parallel/failure.h"
#include "lockstep/parallel/gpu_groups.h"
#include "lockstep/parallel/host_routed_groups.h"
#include "lockstep/parallel/meeting_place.h"
#include "lockstep/parallel/thread_group.h"

namespace lockstep::parallel {
namespace {

/// The first error of any rank here: the ones after it are mostly its consequences.
class FirstError {
 public:
  /// What a rank says that was brought down by another one counts only where no rank here has an error of its own.
  void keep_consequence(const std::string& reason) {
    const std::lock_guard lock(mutex_);
    consequence_ = consequence_.value_or(reason);
  }

  void keep(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (!error_) {
      error_ = std::move(error);
    }
  }

  std::exception_ptr error() const {
    const std::lock_guard lock(mutex_);
    return error_;
  }

  /// PeerFailed says that another process tells the error: never in a world of `one_process`.
  void rethrow(bool one_process) const {
    if (error_) {
      std::rethrow_exception(error_);
    }
    if (consequence_ && one_process) {
      throw TrainingError(*consequence_, /*remedy=*/"");  // the reasons that ranks give have theirs
    }
    if (consequence_) {
      throw PeerFailed(*consequence_);
    }
  }

 private:
  mutable std::mutex mutex_;
  std::exception_ptr error_;
  std::optional<std::string> consequence_;
};

/// The ranks of this process that are still at work.
class Attendance {
 public:
  Attendance(int first_rank, std::size_t ranks) : present_(ranks) {
    for (std::size_t place = 0; place < ranks; ++place) {
      names_.push_back(rank_name(first_rank + static_cast<int>(place)));
    }
  }

  void leave(bool failed) {
    const std::lock_guard lock(mutex_);
    --present_;
    one_failed_ |= failed;
    changed_.notify_all();
  }

  /// Waits until all have left or, where one has failed, those that have not have stood still for so long: what these
  /// are at is given back.
  std::vector<ProbeReading> await_end(Seconds grace) {
    constexpr Seconds kLook{0.1};
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return one_failed_ || present_ == 0; });
    while (!changed_.wait_for(lock, kLook, [&] { return present_ == 0; })) {
      std::vector<ProbeReading> still = read_probes();
      std::erase_if(still, [&](const ProbeReading& reading) {
        return reading.seconds < grace.count() || !std::ranges::count(names_, reading.thread);
      });
      if (still.size() == present_) {
        return still;
      }
    }
    return {};
  }

 private:
  std::vector<std::string> names_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t present_;
  bool one_failed_ = false;
};

/// Says whether the rank has failed.
bool run_rank(Rank& rank, const LaunchOptions& options, const std::function<void(Rank&)>& body, FirstError& first,
              bool has_neighbours) {
  const ProbedThread probed(rank_name(rank.index));
  const ProbeScope probe("start");  // until the body says more
  const auto fail = [&] {
    const Failure failure = current_failure(rank_name(rank.index));
    first.keep(failure.error);
    rank.group.abandon(failure.words);
    return true;
  };
  try {
    at::set_num_threads(options.threads_per_rank);
    const GpuOfRank gpu(rank.device);
    body(rank);
    return false;
  } catch (const PeerFailed& error) {
    first.keep_consequence(error.what());
    return false;  // where it was a rank of this process, that one says so
  } catch (const RanksMissing& error) {
    if (has_neighbours) {
      // Threads cannot be ended from outside: it may take long until the error is thrown, so say it now.
      log::warn(error.what());
    }
    return fail();
  } catch (const std::exception&) {
    return fail();
  }
}

std::set<std::string> names_of(const std::vector<c10::Device>& devices) {
  std::set<std::string> names;
  for (const c10::Device& device : devices) {
    names.insert(device.str());
  }
  return names;
}

/// Ends the process where ranks do not end after another one has failed.
void leave_if_stuck(Attendance& attendance, const LaunchOptions& options, const FirstError& first) {
  const std::vector<ProbeReading> stuck = attendance.await_end(options.grace);
  for (const ProbeReading& rank : stuck) {
    log::warn(text(rank.thread, " does not end; it is left at: ", rank.activity));
  }
  if (!stuck.empty()) {
    options.when_stuck(first.error());
  }
}

/// One group for each rank in this process.
std::vector<std::unique_ptr<Group>> make_groups(const World& world, Seconds timeout) {
  const std::vector<c10::Device>& devices = world.devices;
  std::vector<std::unique_ptr<Group>> groups;
  if (world.place) {
    groups.push_back(make_c10d_group(world.place, world.place->new_name(), devices.at(0), world.is_one_machine()));
    return groups;
  }
  if (devices.size() == 1 || devices[0].is_cpu()) {
    return make_thread_groups(world.size, timeout);
  }
  const std::size_t gpus = names_of(devices).size();
  if (gpus == devices.size()) {
    return make_nccl_groups(devices, timeout);
  }
  return gpus == 1 ? make_shared_gpu_groups(devices, timeout) : make_host_routed_groups(world.size, timeout);
}

}  // namespace

void launch(const World& world, const LaunchOptions& options, const std::function<void(Rank&)>& body) {
  const auto groups = make_groups(world, options.timeout);
  FirstError first;
  Attendance attendance(world.first_rank, groups.size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t place = 0; place < groups.size(); ++place) {
      threads.emplace_back([&, place] {
        Rank rank{world.first_rank + static_cast<int>(place), world.size, world.devices[place], *groups[place]};
        attendance.leave(run_rank(rank, options, body, first, /*has_neighbours=*/groups.size() > 1));
      });
    }
    if (options.when_stuck) {
      leave_if_stuck(attendance, options, first);
    }
  }
  first.rethrow(/*one_process=*/world.place == nullptr);
  world.meet("end of the ranks");  // a connection that is closed early looks like a failure to the other side
}

void launch(const std::vector<c10::Device>& devices, const LaunchOptions& options,
            const std::function<void(Rank&)>& body) {
  launch(World(devices), options, body);
}

}  // namespace lockstep::parallel
