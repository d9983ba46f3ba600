#include "lockstep/parallel/launch.h"

#include <torch/torch.h>

#include <exception>
#include <mutex>
#include <new>
#include <thread>

#include "lockstep/base/error.h"
#include "lockstep/base/log.h"
#include "lockstep/base/probe.h"
#include "lockstep/base/text.h"
#include "lockstep/parallel/core/rendezvous.h"
#include "lockstep/parallel/thread_group.h"

namespace lockstep::parallel {
namespace {

/// The first error of any rank: the ones after it are mostly its consequences.
class FirstError {
 public:
  void keep(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (!error_) {
      error_ = std::move(error);
    }
  }

  void rethrow() const {
    if (error_) {
      std::rethrow_exception(error_);
    }
  }

 private:
  std::mutex mutex_;
  std::exception_ptr error_;
};

std::string first_line(const std::string& message) { return message.substr(0, message.find('\n')); }

void run_rank(Rank& rank, const LaunchOptions& options, const std::function<void(Rank&)>& body, FirstError& first) {
  const ProbedThread probed(rank_name(rank.index));
  const auto fail = [&](std::exception_ptr error, const std::string& reason) {
    first.keep(std::move(error));
    rank.group.abandon(reason);
  };
  try {
    at::set_num_threads(options.threads_per_rank);
    const c10::OptionalDeviceGuard device(rank.device.is_cpu() ? std::nullopt : std::optional(rank.device));
    body(rank);
  } catch (const PeerFailed&) {
    // The rank that failed has told its own error.
  } catch (const RanksMissing& error) {
    // Threads cannot be ended from outside: the error is thrown when the missing ranks have come back, so say it now.
    log::warn(error.what());
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

}  // namespace

bool is_out_of_memory(const std::exception& error) {
  return dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
         dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
         std::string(error.what()).find("can't allocate memory") != std::string::npos;  // c10's CPU allocator
}

void launch(const std::vector<c10::Device>& devices, const LaunchOptions& options,
            const std::function<void(Rank&)>& body) {
  const int world_size = static_cast<int>(devices.size());
  const auto groups = make_thread_groups(world_size, options.timeout);
  FirstError first;
  {
    std::vector<std::jthread> threads;
    for (int index = 0; index < world_size; ++index) {
      const auto place = static_cast<std::size_t>(index);
      threads.emplace_back([&, index, place] {
        Rank rank{index, world_size, devices[place], *groups[place]};
        run_rank(rank, options, body, first);
      });
    }
  }
  first.rethrow();
}

}  // namespace lockstep::parallel
