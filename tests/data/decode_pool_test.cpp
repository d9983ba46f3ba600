#include "lockstep/data/decode_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <functional>
#include <future>
#include <mutex>
#include <utility>

namespace lockstep::data::decode_pool_test {
namespace {

class FunctionJob final : public PoolJob {
 public:
  explicit FunctionJob(std::function<void(std::size_t)> function) : function_(std::move(function)) {}

 private:
  void run(std::size_t part) noexcept override { function_(part); }

  std::function<void(std::size_t)> function_;
};

/// A job of one part that says when it has run.
class Signal {
 public:
  void submit_to(DecodePool& pool) { pool.submit(job_, 1); }
  void wait() { done_.get_future().wait(); }

 private:
  std::promise<void> done_;
  FunctionJob job_{[this](std::size_t) { done_.set_value(); }};
};

TEST(DecodePool, StartsPartsInTheirOrder) {
  std::vector<std::pair<int, std::size_t>> order;
  FunctionJob first([&](std::size_t part) { order.emplace_back(1, part); });
  FunctionJob second([&](std::size_t part) { order.emplace_back(2, part); });
  Signal end;
  DecodePool pool(1);
  pool.submit(first, 3);
  pool.submit(second, 2);
  end.submit_to(pool);
  end.wait();
  using testing::Pair;
  EXPECT_THAT(order, testing::ElementsAre(Pair(1, 0), Pair(1, 1), Pair(1, 2), Pair(2, 0), Pair(2, 1)));
}

TEST(DecodePool, RunsEveryPartOnceHoweverOftenJobsComeBack) {
  constexpr std::size_t kParts = 7;
  constexpr int kRounds = 2000;
  std::array<std::atomic<int>, kParts> runs{};
  std::atomic<std::size_t> left = 0;
  std::mutex mutex;
  std::condition_variable done;
  FunctionJob job([&](std::size_t part) {
    ++runs[part];
    if (--left == 0) {
      const std::lock_guard lock(mutex);
      done.notify_all();
    }
  });
  DecodePool pool(4);
  for (int round = 0; round < kRounds; ++round) {
    // Rounds of differing lengths: a thread that comes late must not take a part for one of the round before.
    left = 1 + static_cast<std::size_t>(round) % kParts;
    pool.submit(job, left);
    std::unique_lock lock(mutex);
    done.wait(lock, [&] { return left == 0; });
  }
  pool.release(job);
  int sum = 0;
  for (const std::atomic<int>& count : runs) {
    sum += count;
  }
  int expected = 0;
  for (int round = 0; round < kRounds; ++round) {
    expected += 1 + round % static_cast<int>(kParts);
  }
  EXPECT_EQ(sum, expected);
}

TEST(DecodePool, SharesTheLongPartsOfAJobAmongItsThreads) {
  std::promise<void> end;
  std::shared_future<void> may_end = end.get_future().share();
  std::atomic<int> at_work = 0;
  FunctionJob job([&](std::size_t) {
    ++at_work;
    may_end.wait();
  });
  DecodePool pool(3);
  pool.submit(job, 3);
  while (at_work < 3) {
    std::this_thread::yield();
  }
  end.set_value();
  pool.release(job);
}

TEST(DecodePool, BeginsNoPartOfAJobThatIsWithdrawn) {
  std::promise<void> begun;
  std::promise<void> end;
  std::atomic<int> ran = 0;
  FunctionJob job([&](std::size_t) {
    if (++ran == 1) {
      begun.set_value();
      end.get_future().wait();
    }
  });
  DecodePool pool(1);
  pool.submit(job, 100);
  begun.get_future().wait();
  pool.withdraw(job);
  end.set_value();
  pool.release(job);
  EXPECT_EQ(ran, 1);
}

TEST(DecodePool, DropsWhatHasNotBegunWhenItEnds) {
  std::atomic<int> ran = 0;
  std::promise<void> begun;
  FunctionJob slow([&](std::size_t) {
    if (++ran == 1) {
      begun.set_value();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  });
  FunctionJob behind([&](std::size_t) { ++ran; });
  {
    DecodePool pool(1);
    pool.submit(slow, 100);
    pool.submit(behind, 100);
    begun.get_future().wait();
  }
  EXPECT_EQ(ran, 1);
}

}  // namespace
}  // namespace lockstep::data::decode_pool_test
