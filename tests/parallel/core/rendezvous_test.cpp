#include "lockstep/parallel/core/rendezvous.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "lockstep/base/error.h"
#include "lockstep/base/probe.h"
#include "lockstep/parallel/core/shared_sum.h"

namespace lockstep::parallel::rendezvous_test {
namespace {

using testing::HasSubstr;

TEST(Rendezvous, NobodyLeavesBeforeAllHaveCome) {
  constexpr int kRanks = 4;
  constexpr int kMeetings = 200;
  Rendezvous rendezvous(kRanks, Seconds(30));
  std::atomic<int> arrivals{0};
  std::atomic<bool> early{false};
  {
    std::vector<std::jthread> threads;
    for (int rank = 0; rank < kRanks; ++rank) {
      threads.emplace_back([&, rank] {
        for (int meeting = 1; meeting <= kMeetings; ++meeting) {
          ++arrivals;
          rendezvous.meet(rank, "test");
          if (arrivals < meeting * kRanks) {
            early = true;
          }
          rendezvous.meet(rank, "test is over");
        }
      });
    }
  }
  EXPECT_FALSE(early);
  EXPECT_EQ(arrivals, kRanks * kMeetings);
}

TEST(Rendezvous, TimeOutNamesTheRankThatDidNotComeAndWhatItDoes) {
  Rendezvous rendezvous(2, Seconds(0.2));
  std::atomic<bool> over{false};
  std::jthread absent([&] {
    const ProbedThread probed(rank_name(1));
    const ProbeScope probe("forward");
    while (!over) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  try {
    rendezvous.meet(0, "all-reduce");
    ADD_FAILURE() << "it did not time out";
  } catch (const TrainingError& error) {
    EXPECT_THAT(error.what(), HasSubstr("rank 1, which is at: forward"));
    EXPECT_THAT(error.what(), HasSubstr("all-reduce"));
  }
  over = true;
}

TEST(Rendezvous, CallingOffWakesTheWaitingAndStopsTheComing) {
  Rendezvous rendezvous(3, Seconds(30));
  std::jthread waiting([&] { EXPECT_THROW(rendezvous.meet(0, "test"), PeerFailed); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  rendezvous.call_off("rank 2 ran out of memory");
  try {
    rendezvous.meet(1, "test");
    ADD_FAILURE() << "the meeting took place";
  } catch (const PeerFailed& error) {
    EXPECT_STREQ(error.what(), "rank 2 ran out of memory");
  }
}

TEST(Rendezvous, ComingForDifferentReasonsIsAMistake) {
  Rendezvous rendezvous(2, Seconds(30));
  std::jthread waiting([&] { EXPECT_THROW(rendezvous.meet(0, "all-reduce"), PeerFailed); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_THROW(rendezvous.meet(1, "barrier"), std::logic_error);
  rendezvous.call_off("over");
}

TEST(SharedSum, SharesCoverEveryElementOnce) {
  for (const std::size_t count : {0U, 1U, 15U, 16U, 17U, 1000U, 4096U}) {
    for (const std::size_t ranks : {1U, 2U, 3U, 7U}) {
      std::size_t next = 0;
      for (std::size_t rank = 0; rank < ranks; ++rank) {
        const Share share = share_of(count, rank, ranks);
        EXPECT_EQ(share.first, next);
        next = share.last;
      }
      EXPECT_EQ(next, count);
    }
  }
}

template <typename T>
class SharedSumOf : public testing::Test {};
using Summed = testing::Types<float, double, std::int64_t>;
TYPED_TEST_SUITE(SharedSumOf, Summed);

TYPED_TEST(SharedSumOf, SumsOneShareInTheOrderOfTheBuffers) {
  constexpr std::size_t kCount = 5000;
  constexpr Share kShare = {16, 4983};
  for (const std::size_t ranks : {1U, 2U, 3U, 5U}) {
    // Another order would lose the small terms of floating-point numbers.
    const auto term = [&](std::size_t rank, std::size_t i) {
      return static_cast<TypeParam>(rank == 0 ? 1e17 : rank == 1 ? -1e17 : static_cast<double>(rank + i));
    };
    std::vector<std::vector<TypeParam>> buffers(ranks, std::vector<TypeParam>(kCount));
    std::vector<TypeParam*> pointers;
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      for (std::size_t i = 0; i < kCount; ++i) {
        buffers[rank][i] = term(rank, i);
      }
      pointers.push_back(buffers[rank].data());
    }
    sum_share<TypeParam>(pointers, kShare);
    for (std::size_t i = 0; i < kCount; ++i) {
      TypeParam sum = term(0, i);
      for (std::size_t rank = 1; rank < ranks; ++rank) {
        sum += term(rank, i);
      }
      for (std::size_t rank = 0; rank < ranks; ++rank) {
        const bool is_in_share = i >= kShare.first && i < kShare.last;
        ASSERT_EQ(buffers[rank][i], is_in_share ? sum : term(rank, i)) << ranks << " ranks, element " << i;
      }
    }
  }
}

}  // namespace
}  // namespace lockstep::parallel::rendezvous_test
