#include "lockstep/data/decode_pool.h"

#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/probe.h"
#include "lockstep/base/text.h"

namespace lockstep::data {

DecodePool::DecodePool(int threads) {
  LOCKSTEP_ASSERT(threads > 0, "a pool needs a thread");
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this, i](const std::stop_token& stop) {
      const ProbedThread name(text("decode ", i));
      work(stop);
    });
  }
}

DecodePool::~DecodePool() {
  // All are told before any is joined: the others would go on with the queue.
  for (std::jthread& thread : threads_) {
    thread.request_stop();
  }
}

void DecodePool::submit(Task task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void DecodePool::work(const std::stop_token& stop) {
  while (true) {
    Task task;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, stop, [this] { return !tasks_.empty(); });
      if (stop.stop_requested()) {
        return;
      }
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace lockstep::data
