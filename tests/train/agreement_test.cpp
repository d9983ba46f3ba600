#include "lockstep/train/agreement.h"

#include <gtest/gtest.h>

#include <set>

#include "lockstep/parallel/launch.h"

namespace lockstep::train::agreement_test {
namespace {

/// What each of three ranks hears when they cast these votes.
std::vector<Verdict> verdicts(const std::vector<Vote>& votes) {
  std::vector<Verdict> heard(votes.size());
  parallel::launch(std::vector<c10::Device>(votes.size(), c10::kCPU), {}, [&](parallel::Rank& rank) {
    const auto place = static_cast<std::size_t>(rank.index);
    heard[place] = agree(rank.group, votes[place]);
  });
  return heard;
}

TEST(Agreement, EveryRankHearsTheSame) {
  std::vector<Vote> votes(3);
  votes[0] = {.loss_sum = 3, .samples = 2, .digest = 10, .utilisation = 0.5, .not_finite = "", .failure = ""};
  votes[1] = {.loss_sum = 9,
              .samples = 4,
              .digest = ~std::uint64_t{0},
              .utilisation = 0.75,
              .not_finite = "a.png",
              .failure = ""};
  votes[2] = {.utilisation = 1, .save = true, .not_finite = "", .failure = ""};
  for (const Verdict& verdict : verdicts(votes)) {
    EXPECT_DOUBLE_EQ(verdict.loss, 2);  // 12 over 6 samples, not the mean of the ranks' means
    EXPECT_EQ(verdict.samples, 6);
    EXPECT_EQ(verdict.digest, 9U);  // modulo 2^64
    EXPECT_EQ(verdict.utilisation, (std::vector<double>{0.5, 0.75, 1}));
    EXPECT_FALSE(verdict.stop);
    EXPECT_TRUE(verdict.save);
    EXPECT_EQ(verdict.not_finite, "a.png");
  }
}

TEST(Agreement, OneRankThatStopsStopsAll) {
  std::vector<Vote> votes(3, Vote{.samples = 1, .not_finite = "", .failure = ""});
  votes[1].stop = true;
  for (const Verdict& verdict : verdicts(votes)) {
    EXPECT_TRUE(verdict.stop);
    EXPECT_FALSE(verdict.save);
  }
}

TEST(Agreement, NamesAllSamplesThatAreNotFinite) {
  std::vector<Vote> votes(3, Vote{.samples = 2, .not_finite = "", .failure = ""});
  votes[0].not_finite = "a.png, b.png";
  votes[2].not_finite = "c.png";
  EXPECT_EQ(verdicts(votes)[1].not_finite, "a.png, b.png, c.png");
  EXPECT_EQ(verdicts(votes)[1].not_finite_ranks, (std::vector<int>{0, 2}));
}

TEST(Agreement, NamesEveryRankThatFailed) {
  std::vector<Vote> votes(3, Vote{.samples = 2, .not_finite = "x.png", .failure = ""});
  fail(votes[1], 1, std::runtime_error("out of luck\nbacktrace"));
  fail(votes[2], 2, std::bad_alloc());
  for (const Verdict& verdict : verdicts(votes)) {
    EXPECT_EQ(verdict.failure, "rank 1: out of luck, rank 2: std::bad_alloc");
    EXPECT_TRUE(verdict.out_of_memory);
    EXPECT_EQ(verdict.not_finite, "x.png, x.png, x.png");
  }
}

TEST(Agreement, AStepIsDoneAgainIfThatMayMendEveryRankThatFailed) {
  std::vector<Vote> votes(3, Vote{.samples = 2, .not_finite = "", .failure = ""});
  EXPECT_FALSE(verdicts(votes)[0].retry);
  fail(votes[1], 1, std::bad_alloc());
  votes[1].can_retry = true;
  EXPECT_TRUE(verdicts(votes)[2].retry);
  fail(votes[0], 0, std::runtime_error("out of luck"));
  EXPECT_FALSE(verdicts(votes)[2].retry);
}

TEST(Agreement, TheEndOfOneRanksTimeIsTheEndOfAll) {
  std::vector<Vote> votes(3, Vote{.samples = 1, .not_finite = "", .failure = ""});
  votes[0].end_of_time = true;
  EXPECT_TRUE(verdicts(votes)[2].end_of_time);
}

TEST(Agreement, HashesOfSamplesDiffer) {
  std::set<std::uint64_t> hashes;
  for (std::uint64_t index = 0; index < 10000; ++index) {
    hashes.insert(hash_of_sample(index));
  }
  EXPECT_EQ(hashes.size(), 10000U);
}

}  // namespace
}  // namespace lockstep::train::agreement_test
