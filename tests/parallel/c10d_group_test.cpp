// Groups over Gloo. Each rank is a process of its own, as it is meant to be: Gloo does not bear several of them that
// connect at once in one process. The whole program as processes is in tests/program/processes_test.cpp.

#include "lockstep/parallel/c10d_group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <torch/torch.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <thread>
#include <torch/csrc/distributed/c10d/FileStore.hpp>
#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include "lockstep/base/error.h"
#include "lockstep/base/probe.h"
#include "lockstep/base/text.h"
#include "lockstep/parallel/core/rendezvous.h"
#include "tests/support/temp_folder.h"

namespace lockstep::parallel::c10d_group_test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// What became of a rank: nothing, or "missing: …" for RanksMissing, "peer: …" for PeerFailed.
using Ends = std::vector<std::string>;

enum class Leave { kTogether, kAtOnce };

/// Runs the body of a rank, and says how it ended.
std::string end_of(int rank, int count, Seconds timeout, const std::string& store_file,
                   const std::function<void(Group&)>& body, Leave leave) {
  at::set_num_threads(1);  // the threads of the process that was forked are not here
  const ProbedThread probed(rank_name(rank));
  try {
    const auto store = c10::make_intrusive<c10d::FileStore>(store_file, count);
    const auto place = std::make_shared<MeetingPlace>(store, rank, count, timeout, /*keeps_store=*/false);
    const auto group = make_c10d_group(place, place->new_name(), c10::kCPU, /*one_machine=*/true);
    body(*group);
    if (leave == Leave::kTogether) {
      place->meet("end");  // a connection that is closed early looks like a failure to the other side
    }
  } catch (const RanksMissing& error) {
    return std::string("missing: ") + error.what();
  } catch (const PeerFailed& error) {
    return std::string("peer: ") + error.what();
  } catch (const std::exception& error) {
    return std::string("other: ") + error.what();
  }
  return testing::Test::HasFailure() ? "an expectation failed" : "";
}

Ends on_ranks(int count, Seconds timeout, const std::function<void(Group&)>& body, Leave leave = Leave::kTogether) {
  const test::TempFolder folder;
  std::vector<pid_t> children;
  for (int rank = 0; rank < count; ++rank) {
    children.push_back(::fork());
    if (children.back() == 0) {
      const std::string end = end_of(rank, count, timeout, folder / "store", body, leave);
      std::ofstream(folder / text("end-", rank)) << end;
      std::fflush(nullptr);
      ::_exit(0);
    }
  }
  Ends ends;
  for (int rank = 0; rank < count; ++rank) {
    int status = 0;
    ::waitpid(children[static_cast<std::size_t>(rank)], &status, 0);
    std::ifstream file(folder / text("end-", rank));
    std::string end{std::istreambuf_iterator<char>(file), {}};
    ends.push_back(file && status == 0 ? end : text("gone with status ", status));
  }
  return ends;
}

void expect_no_error(const Ends& ends) { EXPECT_THAT(ends, testing::Each("")); }

/// One rank has found out what `found` says, and the others have been told.
void expect_found_and_told(const Ends& ends, const testing::Matcher<std::string>& found) {
  int finders = 0;
  for (const std::string& end : ends) {
    EXPECT_THAT(end, found);
    finders += end.starts_with("missing: ") ? 1 : 0;
  }
  EXPECT_EQ(finders, 1) << testing::PrintToString(ends);
}

at::Tensor noise(int rank, std::int64_t count, at::ScalarType type) {
  return at::randn({count}, at::detail::createCPUGenerator(static_cast<std::uint64_t>(rank))).mul(100).to(type);
}

TEST(C10dGroup, AllReduceSumsTheSameBitsOnEveryRank) {
  for (const int ranks : {2, 3}) {
    for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kLong}) {
      at::Tensor expected = at::zeros({10007}, type);
      for (int rank = 0; rank < ranks; ++rank) {
        expected += noise(rank, 10007, type);
      }
      expect_no_error(on_ranks(ranks, Seconds(30), [&](Group& group) {
        const at::Tensor sum = noise(group.rank(), 10007, type);
        group.all_reduce(sum);
        EXPECT_TRUE(at::allclose(sum, expected, 1e-5, 1e-3)) << ranks << " ranks, " << type;
        const std::span bytes(static_cast<const std::byte*>(sum.const_data_ptr()), sum.nbytes());
        for (const std::vector<std::byte>& other : group.all_gather(bytes)) {
          EXPECT_TRUE(std::ranges::equal(other, bytes)) << ranks << " ranks, " << type;
        }
      }));
    }
  }
}

TEST(C10dGroup, BroadcastGivesTheRootsTensor) {
  expect_no_error(on_ranks(3, Seconds(30), [](Group& group) {
    const at::Tensor tensor = at::full({100}, group.rank(), at::kLong);
    group.broadcast(tensor, 2);
    EXPECT_TRUE(at::equal(tensor, at::full({100}, 2, at::kLong)));
    group.barrier();
  }));
}

TEST(C10dGroup, AllGatherTakesBytesOfAnyLength) {
  // Nothing, what one message holds, just more than that, and much more.
  for (const std::vector<std::size_t>& lengths :
       {std::vector<std::size_t>{0, 0}, {60, 61, 3}, {248, 0}, {249, 1, 0}, {5, 100000, 248}}) {
    const int ranks = static_cast<int>(lengths.size());
    expect_no_error(on_ranks(ranks, Seconds(30), [&](Group& group) {
      const auto bytes_of = [&](std::size_t rank) {
        return std::vector<std::byte>(lengths[rank], static_cast<std::byte>(rank + 1));
      };
      const auto gathered = group.all_gather(bytes_of(static_cast<std::size_t>(group.rank())));
      ASSERT_EQ(gathered.size(), lengths.size());
      for (std::size_t rank = 0; rank < lengths.size(); ++rank) {
        EXPECT_EQ(gathered[rank], bytes_of(rank));
      }
    }));
  }
}

TEST(C10dGroup, AReductionSumsBuffersThatRanksFinishInDifferentOrders) {
  expect_no_error(on_ranks(3, Seconds(30), [](Group& group) {
    std::vector<at::Tensor> buffers;
    for (const std::int64_t count : {1000, 3, 20000, 1}) {
      buffers.push_back(at::empty({count}));
    }
    const auto reduction = group.make_reduction(buffers);
    for (int step = 0; step < 3; ++step) {
      reduction->begin();
      for (std::size_t i = 0; i < buffers.size(); ++i) {
        const std::size_t next = (i + static_cast<std::size_t>(group.rank())) % buffers.size();
        buffers[next].fill_(static_cast<double>(next + 1) * (group.rank() + 1) + step);
        reduction->ready(next);
      }
      EXPECT_EQ(reduction->bytes_under_way(), 21004 * 4);
      reduction->wait();
      for (std::size_t i = 0; i < buffers.size(); ++i) {
        EXPECT_TRUE(at::all(buffers[i] == static_cast<double>(i + 1) * 6 + 3 * step).item<bool>());
      }
    }
  }));
}

TEST(C10dGroup, ATimeOutNamesTheRankThatDidNotComeAndWhatItWasAskedFor) {
  const Ends ends = on_ranks(3, Seconds(1), [](Group& group) {
    const std::vector<at::Tensor> buffers{at::ones({8}), at::ones({8})};
    const auto reduction = group.make_reduction(buffers);
    reduction->begin();
    reduction->ready(0);
    if (group.rank() == 2) {
      const ProbeScope probe("wait for data");
      std::this_thread::sleep_for(std::chrono::milliseconds(2500));
    }
    reduction->ready(1);
    reduction->wait();
  });
  expect_found_and_told(ends,
                        AllOf(HasSubstr("rank 2, which is at: wait for data"), HasSubstr("all-reduce of bucket 1"),
                              HasSubstr("waited 1 s"), testing::Not(HasSubstr("rank 1, which"))));
}

TEST(C10dGroup, AbandoningTellsTheOthersTheReason) {
  const auto body = [](Group& group) {
    if (group.rank() == 1) {
      group.abandon("rank 1 has found a broken file");
    } else {
      group.barrier();
    }
  };
  const Ends ends = on_ranks(3, Seconds(30), body, Leave::kAtOnce);
  EXPECT_EQ(ends[0], "peer: rank 1 has found a broken file");
  EXPECT_EQ(ends[1], "");
  EXPECT_EQ(ends[2], "peer: rank 1 has found a broken file");
}

TEST(C10dGroup, ARankThatGoesWithoutAWordIsNamed) {
  const Stopwatch watch;
  const auto body = [](Group& group) {
    if (group.rank() == 0) {
      group.barrier();
    }
  };
  const Ends ends = on_ranks(2, Seconds(60), body, Leave::kAtOnce);
  EXPECT_THAT(ends[0], AllOf(testing::StartsWith("missing: rank 0 lost rank 1"), HasSubstr("barrier")));
  EXPECT_LT(watch.seconds(), 30);  // it is noticed, not waited for
}

TEST(MeetingPlace, GivesWhatAllHaveBroughtAndNamesWhoDoesNotCome) {
  const auto store = c10::make_intrusive<c10d::HashStore>();
  MeetingPlace first(store, 0, 3, Seconds(0.2), false);
  MeetingPlace second(store, 1, 3, Seconds(0.2), false);
  try {
    first.meet("start of the run");
    ADD_FAILURE() << "nothing was thrown";
  } catch (const RanksMissing& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("for rank 1, rank 2 (start of the run)")));
  }
  MeetingPlace third(store, 2, 3, Seconds(0.2), false);
  std::jthread other([&] { second.meet("start of the run", "b"); });
  EXPECT_EQ(third.meet("start of the run", ""), (std::vector<std::string>{"", "b", ""}));
}

TEST(MeetingPlace, TellsWhyAnotherHasFailed) {
  const auto store = c10::make_intrusive<c10d::HashStore>();
  MeetingPlace first(store, 0, 2, Seconds(30), false);
  MeetingPlace second(store, 1, 2, Seconds(30), false);
  EXPECT_TRUE(first.abandon("no dataset"));
  EXPECT_FALSE(second.abandon("no dataset"));
  EXPECT_THROW(second.meet("start of the run"), PeerFailed);
  EXPECT_EQ(second.failure(), "no dataset");
}

}  // namespace
}  // namespace lockstep::parallel::c10d_group_test
