#include "lockstep/parallel/core/rendezvous.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "lockstep/base/error.h"
#include "lockstep/base/probe.h"
#include "lockstep/parallel/core/shared_sum.h"

namespace lockstep::parallel {
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

TEST(SharedSum, SumsInTheOrderOfTheBuffers) {
  constexpr std::size_t kCount = 5000;
  std::vector<std::vector<float>> buffers(3, std::vector<float>(kCount));
  std::vector<float> expected(kCount);
  for (std::size_t i = 0; i < kCount; ++i) {
    buffers[0][i] = 1e8F;
    buffers[1][i] = -1e8F;
    buffers[2][i] = static_cast<float>(i);
    expected[i] = (buffers[0][i] + buffers[1][i]) + buffers[2][i];  // another order would lose the last term
  }
  std::vector<float*> pointers;
  for (auto& buffer : buffers) {
    pointers.push_back(buffer.data());
  }
  sum_share<float>(pointers, {0, kCount});
  for (const auto& buffer : buffers) {
    EXPECT_EQ(buffer, expected);
  }
}

}  // namespace
}  // namespace lockstep::parallel
