#include "lockstep/parallel/launch.h"

#include <torch/torch.h>

#include <exception>
#include <mutex>
#include <new>
#include <set>
#include <thread>

#include "lockstep/base/error.h"
#include "lockstep/base/log.h"
#include "lockstep/base/probe.h"
#include "lockstep/base/text.h"
#include "lockstep/parallel/c10d_group.h"
#include "lockstep/parallel/core/rendezvous.h"
#include "lockstep/parallel/gpu_groups.h"
#include "lockstep/parallel/meeting_place.h"
#include "lockstep/parallel/thread_group.h"

namespace lockstep::parallel {
namespace {

/// The first error of any rank here: the ones after it are mostly its consequences.
class FirstError {
 public:
  /// What a rank says that was brought down by another one counts only where no rank here has an error of its own.
  void keep_consequence(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (!consequence_) {
      consequence_ = std::move(error);
    }
  }

  void keep(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (!error_) {
      error_ = std::move(error);
    }
  }

  void rethrow() const {
    if (error_ || consequence_) {
      std::rethrow_exception(error_ ? error_ : consequence_);
    }
  }

 private:
  std::mutex mutex_;
  std::exception_ptr error_;
  std::exception_ptr consequence_;
};

std::string first_line(const std::string& message) { return message.substr(0, message.find('\n')); }

void run_rank(Rank& rank, const LaunchOptions& options, const std::function<void(Rank&)>& body, FirstError& first,
              bool has_neighbours) {
  const ProbedThread probed(rank_name(rank.index));
  const auto fail = [&](std::exception_ptr error, const std::string& reason) {
    first.keep(std::move(error));
    rank.group.abandon(reason);
  };
  try {
    at::set_num_threads(options.threads_per_rank);
    const GpuOfRank gpu(rank.device);
    body(rank);
  } catch (const PeerFailed&) {
    first.keep_consequence(std::current_exception());
  } catch (const RanksMissing& error) {
    if (has_neighbours) {
      // Threads cannot be ended from outside: the error is thrown when the missing ranks have come back, so say it now.
      log::warn(error.what());
    }
    fail(std::current_exception(), error.what());
  } catch (const UserError& error) {
    fail(std::current_exception(), error.what());
  } catch (const std::exception& error) {
    const std::string problem = text(rank_name(rank.index), " failed: ", first_line(error.what()));
    if (is_out_of_memory(error)) {
      const MachineError told(problem, "lower --batch-size or --img-size; what was saved is safe");
      fail(std::make_exception_ptr(told), told.what());
    } else {
      const TrainingError told(problem, "what was saved is safe: the same command resumes");
      fail(std::make_exception_ptr(told), told.what());
    }
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
  const std::set<std::string> names = names_of(devices);
  if (devices.size() > 1 && !devices[0].is_cpu() && names.size() == devices.size()) {
    return make_nccl_groups(devices, timeout);
  }
  if (devices.size() > 1 && !devices[0].is_cpu() && names.size() == 1) {
    return make_shared_gpu_groups(devices, timeout);
  }
  return make_thread_groups(world.size, timeout);
}

}  // namespace

bool is_out_of_memory(const std::exception& error) {
  return dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
         dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
         std::string(error.what()).find("can't allocate memory") != std::string::npos;  // c10's CPU allocator
}

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
  first.rethrow();
  world.meet("end of the ranks");  // a connection that is closed early looks like a failure to the other side
}

void launch(const std::vector<c10::Device>& devices, const LaunchOptions& options,
            const std::function<void(Rank&)>& body) {
  launch(World(devices), options, body);
}

}  // namespace lockstep::parallel
