#pragma once

#include <ATen/core/Tensor.h>

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
#include "lockstep/parallel/failure.h"

namespace lockstep::parallel {

/// What one rank brings to a collective.
struct Part {
  explicit Part(at::Tensor brought) : tensor(std::move(brought)) {}
  virtual ~Part() = default;

  at::Tensor tensor;
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

  /// What a rank brings: the tensor as the current stream of the calling thread will have computed it.
  virtual std::unique_ptr<Part> bring(const at::Tensor& tensor) = 0;

  /// Enqueues the collective behind what its parts wait for. Does not wait for devices.
  virtual void enqueue(Job& job) = 0;

  /// Makes the current stream of the calling thread wait for the end of the collective that was enqueued for a part.
  virtual void follow(Part& part) = 0;
};

/// Several ranks of this process with their GPUs. A rank submits a tensor and goes on; one thread enqueues a collective
/// for all ranks together when the last of them has come. So no rank ever occupies a device for a collective to which
/// another, which may wait for memory of that device, has not come yet. The devices are the enqueuer's business alone.
class GpuTeam {
 public:
  GpuTeam(int ranks, Seconds timeout, std::unique_ptr<Enqueuer> enqueuer);
  ~GpuTeam();
  GpuTeam(const GpuTeam&) = delete;
  GpuTeam& operator=(const GpuTeam&) = delete;

  /// Brings a contiguous tensor to this rank's next collective. Never waits; failures are told by wait() alone.
  std::shared_ptr<Job> submit(int rank, Job::Kind kind, int root, const at::Tensor& tensor,
                              const std::string& occasion);

  /// Makes the rank's current stream wait for the end of a job. The host waits only until it is enqueued. Throws
  /// RanksMissing, which names the ranks that have not come in time; where the enqueuer has failed, its error as the
  /// user is told it (see current_failure) in the first rank that waits; PeerFailed in the others.
  void wait(int rank, Job& job);

  void abandon(const std::string& reason);

 private:
  void enqueue_jobs(const std::stop_token& stop);
  [[noreturn]] void throw_failure();
  std::string absent_ranks(const Job& job) const;

  const int ranks_;
  const Seconds timeout_;
  std::unique_ptr<Enqueuer> enqueuer_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::shared_ptr<Job>> open_;  ///< jobs that are not enqueued, in order
  std::int64_t enqueued_ = 0;              ///< how many jobs were, so far
  std::vector<std::int64_t> submitted_;    ///< by each rank
  std::optional<Failure> failure_;         ///< its error is null where a rank has it
  std::jthread thread_;
};

}  // namespace lockstep::parallel
