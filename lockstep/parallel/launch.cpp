#include "lockstep/parallel/launch.h"

#include <torch/torch.h>

#include <exception>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "lockstep/base/error.h"
#include "lockstep/base/log.h"
#include "lockstep/base/probe.h"
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
  std::mutex mutex_;
  std::exception_ptr error_;
  std::optional<std::string> consequence_;
};

void run_rank(Rank& rank, const LaunchOptions& options, const std::function<void(Rank&)>& body, FirstError& first,
              bool has_neighbours) {
  const ProbedThread probed(rank_name(rank.index));
  const auto fail = [&] {
    const Failure failure = current_failure(rank_name(rank.index));
    first.keep(failure.error);
    rank.group.abandon(failure.words);
  };
  try {
    at::set_num_threads(options.threads_per_rank);
    const GpuOfRank gpu(rank.device);
    body(rank);
  } catch (const PeerFailed& error) {
    first.keep_consequence(error.what());
  } catch (const RanksMissing& error) {
    if (has_neighbours) {
      // Threads cannot be ended from outside: the error is thrown when the missing ranks have come back, so say it now.
      log::warn(error.what());
    }
    fail();
  } catch (const std::exception&) {
    fail();
  }
}

std::set<std::string> names_of(const std::vector<c10::Device>& devices) {
  std::set<std::string> names;
  for (const c10::Device& device : devices) {
    names.insert(device.str());
  }
  return names;
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
  {
    std::vector<std::jthread> threads;
    for (std::size_t place = 0; place < groups.size(); ++place) {
      threads.emplace_back([&, place] {
        Rank rank{world.first_rank + static_cast<int>(place), world.size, world.devices[place], *groups[place]};
        run_rank(rank, options, body, first, /*has_neighbours=*/groups.size() > 1);
      });
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
