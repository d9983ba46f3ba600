#include "lockstep/parallel/core/shared_reduction.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <thread>

#include "lockstep/base/random.h"

namespace lockstep::parallel::shared_reduction_test {
namespace {

const std::vector<std::size_t> kCounts = {1000, 16, 5000, 333};

/// The buffers of one rank, filled with numbers that depend on the step.
struct Buffers {
  Buffers() {
    for (const std::size_t count : kCounts) {
      values.emplace_back(count);
    }
    for (auto& buffer : values) {
      addresses.push_back(buffer.data());
    }
  }

  void fill(int rank, int step) {
    for (std::size_t buffer = 0; buffer < values.size(); ++buffer) {
      for (std::size_t i = 0; i < values[buffer].size(); ++i) {
        values[buffer][i] = value_of(rank, step, buffer, i);
      }
    }
  }

  static float value_of(int rank, int step, std::size_t buffer, std::size_t i) {
    const auto number = static_cast<int>(buffer + i) + 7 * step + 13 * rank;
    return static_cast<float>(number % 101) * 0.37F;
  }

  std::vector<std::vector<float>> values;
  std::vector<float*> addresses;
};

float expected(int ranks, int step, std::size_t buffer, std::size_t i) {
  float sum = Buffers::value_of(0, step, buffer, i);
  for (int rank = 1; rank < ranks; ++rank) {
    sum += Buffers::value_of(rank, step, buffer, i);
  }
  return sum;
}

/// The buffers in an order that differs from rank to rank and from step to step.
std::vector<std::size_t> order_of(int rank, int step) {
  std::vector<std::size_t> order(kCounts.size());
  std::iota(order.begin(), order.end(), 0U);
  RandomStream random({0, Purpose::kOrder, static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(rank), 0});
  for (std::size_t i = order.size() - 1; i > 0; --i) {
    std::swap(order[i], order[random.below(i + 1)]);
  }
  return order;
}

TEST(SharedReduction, SumsWhateverTheOrderInWhichBuffersAreReady) {
  constexpr int kSteps = 60;
  for (const int ranks : {1, 2, 3, 4}) {
    Rendezvous rendezvous(ranks, Seconds(30));
    SharedReduction reduction(rendezvous, kCounts);
    std::vector<Buffers> buffers(static_cast<std::size_t>(ranks));
    std::vector<std::jthread> threads;
    for (int rank = 0; rank < ranks; ++rank) {
      threads.emplace_back([&, rank] {
        Buffers& own = buffers[static_cast<std::size_t>(rank)];
        reduction.lay_open(rank, own.addresses);
        rendezvous.meet(rank, "laid open");
        for (int step = 0; step < kSteps; ++step) {
          reduction.begin(rank);
          own.fill(rank, step);
          for (const std::size_t buffer : order_of(rank, step)) {
            reduction.ready(rank, buffer);
          }
          reduction.wait(rank);
          for (std::size_t buffer = 0; buffer < kCounts.size(); ++buffer) {
            for (std::size_t i = 0; i < kCounts[buffer]; ++i) {
              ASSERT_EQ(own.values[buffer][i], expected(ranks, step, buffer, i)) << "rank " << rank << " step " << step;
            }
          }
        }
      });
    }
  }
}

TEST(SharedReduction, WhatIsReadyEverywhereIsSummedBeforeTheEndOfTheStep) {
  Rendezvous rendezvous(2, Seconds(30));
  SharedReduction reduction(rendezvous, kCounts);
  std::vector<Buffers> buffers(2);
  for (int rank = 0; rank < 2; ++rank) {
    buffers[static_cast<std::size_t>(rank)].fill(rank, 0);
    reduction.lay_open(rank, buffers[static_cast<std::size_t>(rank)].addresses);
    reduction.begin(rank);
  }
  // One thread plays both ranks: that it comes to the end shows that nobody waits.
  reduction.ready(0, 2);
  EXPECT_EQ(reduction.bytes_under_way(0), 0);
  reduction.ready(1, 2);
  reduction.ready(0, 0);
  EXPECT_EQ(reduction.bytes_under_way(0), static_cast<std::int64_t>(kCounts[2] * sizeof(float)));
  EXPECT_EQ(reduction.bytes_under_way(1), static_cast<std::int64_t>(kCounts[2] * sizeof(float)));
  EXPECT_EQ(buffers[0].values[2][7], expected(2, 0, 2, 7));
  EXPECT_EQ(buffers[1].values[2], buffers[0].values[2]);
  EXPECT_EQ(buffers[0].values[0][7], Buffers::value_of(0, 0, 0, 7));
}

TEST(SharedReduction, APeerThatFailsIsNotWaitedFor) {
  Rendezvous rendezvous(2, Seconds(30));
  SharedReduction reduction(rendezvous, kCounts);
  std::vector<Buffers> buffers(2);
  for (int rank = 0; rank < 2; ++rank) {
    reduction.lay_open(rank, buffers[static_cast<std::size_t>(rank)].addresses);
    reduction.begin(rank);
  }
  std::jthread waiting([&] {
    for (std::size_t buffer = 0; buffer < kCounts.size(); ++buffer) {
      reduction.ready(0, buffer);
    }
    EXPECT_THROW(reduction.wait(0), PeerFailed);
  });
  rendezvous.call_off("rank 1 is gone");
}

}  // namespace
}  // namespace lockstep::parallel::shared_reduction_test
