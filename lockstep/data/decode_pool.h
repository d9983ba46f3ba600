#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace lockstep::data {

/// Work for the pool that consists of parts, such as the samples of a batch. It belongs to whoever submits it, may be
/// submitted again once all of its parts have run, and must not go before the pool has released it.
class PoolJob {
 public:
  PoolJob() = default;
  PoolJob(const PoolJob&) = delete;
  PoolJob& operator=(const PoolJob&) = delete;

 protected:
  ~PoolJob() = default;

 private:
  friend class DecodePool;

  virtual void run(std::size_t part) noexcept = 0;

  bool is_taken() const;

  /// How many parts there are (upper half) and how many are taken (lower half): in one number, so that a thread that
  /// comes late, and takes part in the job's next round, sees both of the same round.
  std::atomic<std::uint64_t> parts_ = 0;

  // Guarded by the pool's mutex:
  PoolJob* behind_ = nullptr;  ///< in the queue
  bool is_queued_ = false;
  int threads_ = 0;  ///< that may be at work on it
};

/// Threads that read and decode samples, shared by all ranks and loaders. Parts of jobs start in the order in which
/// they came. Nothing is allocated for a job; a thread takes the queue's mutex once a job, not once a part; threads
/// without work sleep, and no more of them are woken than there are parts.
class DecodePool {
 public:
  explicit DecodePool(int threads);

  /// Lets running parts finish and drops the others.
  ~DecodePool();

  DecodePool(const DecodePool&) = delete;
  DecodePool& operator=(const DecodePool&) = delete;

  int size() const { return static_cast<int>(threads_.size()); }

  /// Runs parts 0 … parts - 1 of the job (fewer than 2^32).
  void submit(PoolJob& job, std::size_t parts);

  /// From now on no further part of the job begins.
  void withdraw(PoolJob& job);

  /// Waits until no thread is at work on the job, which must be done or withdrawn: then it may go.
  void release(PoolJob& job);

 private:
  void work();
  PoolJob* next_job();
  void run_parts(PoolJob& job);
  void enqueue(PoolJob& job);
  void dequeue(PoolJob& job);
  void sleep(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable released_;
  PoolJob* first_ = nullptr;
  PoolJob* last_ = nullptr;
  std::size_t asleep_ = 0;  ///< threads that no one has called yet
  std::size_t calls_ = 0;   ///< threads that were called and have not come yet
  std::atomic<bool> stops_ = false;
  std::vector<std::jthread> threads_;  ///< last, so that they end before what they use
};

}  // namespace lockstep::data
