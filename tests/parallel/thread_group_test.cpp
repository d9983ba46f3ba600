#include "lockstep/parallel/thread_group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <thread>

#include "lockstep/base/clock.h"
#include "lockstep/base/error.h"
#include "lockstep/parallel/core/rendezvous.h"
#include "lockstep/parallel/host_routed_groups.h"
#include "lockstep/parallel/launch.h"
#include "tests/support/logged_lines.h"

namespace lockstep::parallel::thread_group_test {
namespace {

using testing::HasSubstr;

std::vector<c10::Device> cpu_ranks(int count) {
  return std::vector<c10::Device>(static_cast<std::size_t>(count), c10::kCPU);
}

TEST(ThreadGroup, AllReduceSumsTheSameBitsOnEveryRank) {
  for (const int ranks : {1, 2, 3, 4}) {
    std::vector<at::Tensor> inputs;
    at::Tensor expected = at::zeros({10007});
    for (int rank = 0; rank < ranks; ++rank) {
      inputs.push_back(at::randn({10007}, at::detail::createCPUGenerator(static_cast<std::uint64_t>(rank))));
      expected = rank == 0 ? inputs[0].clone() : expected + inputs.back();
    }
    launch(cpu_ranks(ranks), {}, [&](Rank& rank) {
      const at::Tensor tensor = inputs[static_cast<std::size_t>(rank.index)].clone();
      rank.group.all_reduce(tensor);
      EXPECT_TRUE(at::equal(tensor, expected)) << "rank " << rank.index << " of " << ranks;
    });
  }
}

TEST(ThreadGroup, BroadcastGivesTheRootsTensor) {
  launch(cpu_ranks(3), {}, [](Rank& rank) {
    const at::Tensor tensor = at::full({100}, rank.index, at::kLong);
    rank.group.broadcast(tensor, 2);
    EXPECT_TRUE(at::equal(tensor, at::full({100}, 2, at::kLong)));
  });
}

TEST(ThreadGroup, AllGatherTakesBytesOfAnyLength) {
  launch(cpu_ranks(3), {}, [](Rank& rank) {
    const std::vector<std::byte> own(static_cast<std::size_t>(rank.index * 5), static_cast<std::byte>(rank.index));
    const auto gathered = rank.group.all_gather(own);
    ASSERT_EQ(gathered.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(gathered[i], std::vector<std::byte>(i * 5, static_cast<std::byte>(i)));
    }
  });
}

TEST(ThreadGroup, ATwinIsAGroupOfItsOwnAndAbandonedWithIt) {
  launch(cpu_ranks(2), {}, [](Rank& rank) {
    const auto twin = rank.group.make_twin();
    const at::Tensor sum = at::full({3}, 1.0F);
    twin->all_reduce(sum);
    EXPECT_TRUE(at::equal(sum, at::full({3}, 2.0F)));
    if (rank.is_first()) {
      EXPECT_THROW(twin->barrier(), PeerFailed);
    } else {
      rank.group.abandon("rank 1 has had enough");
    }
  });
}

TEST(HostRoutedGroup, SumsButHasNoTwinForSyncBatchNorm) {
  const auto groups = make_host_routed_groups(1, Seconds(30));
  const at::Tensor sum = at::ones({3});
  groups[0]->all_reduce(sum);
  EXPECT_TRUE(at::equal(sum, at::ones({3})));
  try {
    groups[0]->make_twin();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(HasSubstr("--sync-bn"), HasSubstr("--devices")));
  }
}

TEST(Launch, AThrowingRankBringsDownTheOthersWithItsError) {
  for (const int ranks : {1, 2, 4}) {
    try {
      launch(cpu_ranks(ranks), {}, [ranks](Rank& rank) {
        if (rank.index == ranks - 1) {
          throw std::runtime_error("the dog ate it\nbacktrace");
        }
        rank.group.barrier();
      });
      ADD_FAILURE() << "nothing was thrown";
    } catch (const TrainingError& error) {
      EXPECT_THAT(error.what(), HasSubstr("failed: the dog ate it;"));
      EXPECT_THAT(error.what(), HasSubstr(rank_name(ranks - 1)));
    }
  }
}

TEST(Launch, AUserErrorOfARankStaysWhatItIs) {
  EXPECT_THROW(launch(cpu_ranks(2), {},
                      [](Rank& rank) {
                        if (rank.is_first()) {
                          throw DataError("'a.png' is broken", "remove it");
                        }
                        rank.group.barrier();
                      }),
               DataError);
}

TEST(Launch, NeverEndsWithoutAWordWhereNoOtherProcessCouldSayIt) {
  try {
    launch(cpu_ranks(2), {}, [](Rank&) { throw PeerFailed("all-reduce failed: the driver has gone"); });
    ADD_FAILURE() << "nothing was thrown";
  } catch (const TrainingError& error) {
    EXPECT_STREQ(error.what(), "all-reduce failed: the driver has gone");
  }
}

TEST(Launch, ARankThatDoesNotComeIsNamedAfterTheTimeOut) {
  LaunchOptions options;
  options.timeout = Seconds(0.2);
  try {
    launch(cpu_ranks(2), options, [](Rank& rank) {
      if (rank.is_first()) {
        rank.group.barrier();
      } else {
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
        EXPECT_THROW(rank.group.barrier(), PeerFailed);
      }
    });
    ADD_FAILURE() << "nothing was thrown";
  } catch (const TrainingError& error) {
    EXPECT_THAT(error.what(), HasSubstr("rank 0 waited"));
    EXPECT_THAT(error.what(), HasSubstr("rank 1"));
  }
}

TEST(Launch, AMissingRankIsNamedWhileItIsStillAway) {
  const test::LoggedLines logged;
  LaunchOptions options;
  options.timeout = Seconds(0.1);
  std::string told_before_its_return;
  const auto body = [&](Rank& rank) {
    if (rank.is_first()) {
      rank.group.barrier();
    }
    for (const Stopwatch away; logged.text().empty() && away.seconds() < 10;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    told_before_its_return = logged.text();
  };
  EXPECT_THROW(launch(cpu_ranks(2), options, body), TrainingError);
  EXPECT_THAT(told_before_its_return, testing::AllOf(HasSubstr("rank 0 waited"), HasSubstr("for rank 1")));
}

}  // namespace
}  // namespace lockstep::parallel::thread_group_test
