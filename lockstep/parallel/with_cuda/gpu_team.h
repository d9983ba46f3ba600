#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/cuda/CUDAEvent.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "lockstep/base/clock.h"

namespace lockstep::parallel {

/// What one rank brings to a collective.
struct Part {
  at::Tensor tensor;
  at::cuda::CUDAEvent ready;  ///< behind what the rank has computed into the tensor
  at::cuda::CUDAEvent done;   ///< behind the collective
};

/// A collective of several ranks of this process.
struct Job {
  enum class Kind { kSum, kBroadcast };

  Kind kind = Kind::kSum;
  int root = 0;  ///< of a broadcast
  std::string occasion;
  std::vector<std::unique_ptr<Part>> parts;  ///< by rank; null for those that have not come
  bool is_enqueued = false;

  bool is_complete() const;
};

/// How the work of a job gets onto the devices.
class Enqueuer {
 public:
  virtual ~Enqueuer() = default;

  /// Enqueues the collective behind the `ready` events, and records the `done` events. Does not wait for devices.
  virtual void enqueue(Job& job) = 0;
};

/// Several ranks of this process with their GPUs. A rank submits a tensor and goes on; one thread enqueues a collective
/// for all ranks together when the last of them has come. So no rank ever occupies a device for a collective to which
/// another, which may wait for memory of that device, has not come yet.
class GpuTeam {
 public:
  GpuTeam(int ranks, Seconds timeout, std::unique_ptr<Enqueuer> enqueuer);
  ~GpuTeam();
  GpuTeam(const GpuTeam&) = delete;
  GpuTeam& operator=(const GpuTeam&) = delete;

  /// Brings a tensor to this rank's next collective, as its current stream will have computed it. Never waits.
  std::shared_ptr<Job> submit(int rank, Job::Kind kind, int root, const at::Tensor& tensor,
                              const std::string& occasion);

  /// Makes the rank's current stream wait for the end of a job. The host waits only until it is enqueued. Throws
  /// RanksMissing, which names the ranks that have not come in time, and PeerFailed.
  void wait(int rank, Job& job);

  void abandon(const std::string& reason);

 private:
  void enqueue_jobs(const std::stop_token& stop);
  std::string absent_ranks(const Job& job) const;

  const int ranks_;
  const Seconds timeout_;
  std::unique_ptr<Enqueuer> enqueuer_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::shared_ptr<Job>> open_;  ///< jobs that are not enqueued, in order
  std::int64_t enqueued_ = 0;              ///< how many jobs were, so far
  std::vector<std::int64_t> submitted_;    ///< by each rank
  std::optional<std::string> failure_;
  std::jthread thread_;
};

}  // namespace lockstep::parallel
