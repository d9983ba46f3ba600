#include "lockstep/base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

namespace lockstep::random_test {
namespace {

// Known answers published with Random123 (kat_vectors, philox4x32 with 10 rounds).
TEST(Philox, GivesThePublishedNumbers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}),
            (std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (std::array<std::uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStream, IsAFunctionOfItsKey) {
  const RandomKey key{7, Purpose::kAugment, 3, 41, 2};
  RandomStream first(key);
  RandomStream again(key);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(first.next(), again.next());
  }
}

TEST(RandomWords, AreThoseOfTheStreamFromABlockOn) {
  const RandomKey key{~std::uint64_t{5}, Purpose::kAugment, 3, 41, 2};
  std::vector<std::uint32_t> stream(4000);
  RandomStream random(key);
  for (std::uint32_t& word : stream) {
    word = random.next();
  }
  for (const std::size_t first : {0U, 1U, 17U, 300U}) {
    for (const std::size_t count : {0U, 1U, 127U, 128U, 129U, 1000U}) {
      std::vector<std::uint32_t> words(count);
      random_words(key, static_cast<std::uint32_t>(first), words);
      EXPECT_TRUE(std::equal(words.begin(), words.end(), stream.begin() + static_cast<std::ptrdiff_t>(4 * first)));
    }
  }
}

TEST(RandomStream, DiffersInEveryPartOfTheKey) {
  std::set<std::uint32_t> seen;
  for (const RandomKey& key : {RandomKey{1, Purpose::kOrder, 0, 0, 0}, RandomKey{1ULL << 32, Purpose::kOrder, 0, 0, 0},
                               RandomKey{1, Purpose::kAugment, 0, 0, 0}, RandomKey{1, Purpose::kOrder, 1, 0, 0},
                               RandomKey{1, Purpose::kOrder, 0, 1, 0}, RandomKey{1, Purpose::kOrder, 0, 0, 1}}) {
    seen.insert(RandomStream(key).next());
  }
  EXPECT_EQ(seen.size(), 6U);
}

TEST(RandomStream, HasTheMomentsOfItsDistributions) {
  RandomStream stream(RandomKey{5, Purpose::kWeights, 0, 0, 0});
  constexpr int kDraws = 100000;
  double uniform_sum = 0;
  double normal_sum = 0;
  double normal_squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double u = stream.uniform();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    uniform_sum += u;
    const double n = stream.normal();
    normal_sum += n;
    normal_squares += n * n;
  }
  EXPECT_NEAR(uniform_sum / kDraws, 0.5, 0.005);
  EXPECT_NEAR(normal_sum / kDraws, 0.0, 0.015);
  EXPECT_NEAR(normal_squares / kDraws, 1.0, 0.02);
}

TEST(RandomStream, BelowReachesEveryValueEvenly) {
  RandomStream stream(RandomKey{5, Purpose::kOrder, 0, 0, 0});
  std::array<int, 7> counts{};
  for (int i = 0; i < 70000; ++i) {
    ++counts.at(stream.below(7));
  }
  for (const int count : counts) {
    EXPECT_NEAR(count, 10000, 400);
  }
}

}  // namespace
}  // namespace lockstep::random_test
