#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace lockstep::data {

/// Threads that read and decode samples, shared by all ranks and loaders. Tasks start in the order in which they came;
/// threads without one sleep.
class DecodePool {
 public:
  using Task = std::function<void()>;

  explicit DecodePool(int threads);

  /// Lets running tasks finish and drops the others.
  ~DecodePool();

  DecodePool(const DecodePool&) = delete;
  DecodePool& operator=(const DecodePool&) = delete;

  int size() const { return static_cast<int>(threads_.size()); }

  /// A task must not throw.
  void submit(Task task);

 private:
  void work(const std::stop_token& stop);

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<Task> tasks_;
  std::vector<std::jthread> threads_;  ///< last, so that they end before what they use
};

}  // namespace lockstep::data
