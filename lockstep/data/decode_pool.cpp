#include "lockstep/data/decode_pool.h"

#include <algorithm>
#include <limits>

#include "lockstep/base/error.h"
#include "lockstep/base/probe.h"
#include "lockstep/base/text.h"

namespace lockstep::data {
namespace {

constexpr unsigned kHalf = 32;

std::uint64_t count_of(std::uint64_t parts) { return parts >> kHalf; }
std::uint64_t taken_of(std::uint64_t parts) { return parts & std::numeric_limits<std::uint32_t>::max(); }

}  // namespace

bool PoolJob::is_taken() const {
  const std::uint64_t parts = parts_.load(std::memory_order_relaxed);
  return taken_of(parts) >= count_of(parts);
}

DecodePool::DecodePool(int threads) {
  LOCKSTEP_ASSERT(threads > 0, "a pool needs a thread");
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this, i] {
      const ProbedThread name(text("decode ", i));
      work();
    });
  }
}

DecodePool::~DecodePool() {
  {
    const std::lock_guard lock(mutex_);
    stops_ = true;
  }
  wake_.notify_all();
}

void DecodePool::submit(PoolJob& job, std::size_t parts) {
  LOCKSTEP_ASSERT(parts <= std::numeric_limits<std::uint32_t>::max(), "too many parts");
  std::size_t called = 0;
  {
    const std::lock_guard lock(mutex_);
    LOCKSTEP_ASSERT(job.is_taken(), "a job is submitted that is not done yet");
    // It may stand in the queue still: the thread that took its last part has not come back yet.
    dequeue(job);
    job.parts_.store(static_cast<std::uint64_t>(parts) << kHalf, std::memory_order_release);
    enqueue(job);
    called = std::min(parts, asleep_);
    asleep_ -= called;
    calls_ += called;
  }
  for (std::size_t i = 0; i < called; ++i) {
    wake_.notify_one();
  }
}

void DecodePool::withdraw(PoolJob& job) {
  const std::lock_guard lock(mutex_);
  job.parts_.store(0, std::memory_order_relaxed);
  dequeue(job);
}

void DecodePool::release(PoolJob& job) {
  std::unique_lock lock(mutex_);
  dequeue(job);
  released_.wait(lock, [&] { return job.threads_ == 0; });
}

void DecodePool::work() {
  std::unique_lock lock(mutex_);
  while (!stops_) {
    PoolJob* job = next_job();
    if (job == nullptr) {
      sleep(lock);
      continue;
    }
    ++job->threads_;
    lock.unlock();
    run_parts(*job);
    lock.lock();
    if (--job->threads_ == 0) {
      released_.notify_all();
    }
  }
}

/// The first job that has parts to be taken. The mutex must be held.
PoolJob* DecodePool::next_job() {
  while (first_ != nullptr && first_->is_taken()) {
    dequeue(*first_);
  }
  return first_;
}

void DecodePool::run_parts(PoolJob& job) {
  while (!stops_.load(std::memory_order_relaxed)) {
    const std::uint64_t parts = job.parts_.fetch_add(1, std::memory_order_acquire);
    if (taken_of(parts) >= count_of(parts)) {
      return;
    }
    job.run(static_cast<std::size_t>(taken_of(parts)));
  }
}

void DecodePool::enqueue(PoolJob& job) {
  (last_ != nullptr ? last_->behind_ : first_) = &job;
  last_ = &job;
  job.is_queued_ = true;
}

void DecodePool::dequeue(PoolJob& job) {
  if (!job.is_queued_) {
    return;
  }
  PoolJob* before = nullptr;
  for (PoolJob* other = first_; other != &job; other = other->behind_) {
    before = other;
  }
  (before != nullptr ? before->behind_ : first_) = job.behind_;
  if (last_ == &job) {
    last_ = before;
  }
  job.behind_ = nullptr;
  job.is_queued_ = false;
}

void DecodePool::sleep(std::unique_lock<std::mutex>& lock) {
  ++asleep_;
  wake_.wait(lock, [this] { return calls_ > 0 || stops_; });
  if (calls_ > 0) {
    --calls_;
  }
}

}  // namespace lockstep::data
