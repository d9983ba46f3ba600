#include "lockstep/data/epoch_order.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace lockstep::data::epoch_order_test {
namespace {

TEST(EpochOrder, IsAPermutation) {
  for (const std::uint64_t size : {0, 1, 2, 7, 1000}) {
    EpochOrder order = shuffled_order(3, 5, size);
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order, dataset_order(size));
  }
}

TEST(EpochOrder, IsAFunctionOfSeedAndEpoch) {
  EXPECT_EQ(shuffled_order(1, 2, 100), shuffled_order(1, 2, 100));
  EXPECT_NE(shuffled_order(1, 2, 100), shuffled_order(1, 3, 100));
  EXPECT_NE(shuffled_order(1, 2, 100), shuffled_order(2, 2, 100));
}

TEST(EpochOrder, PutsEachSampleFirstEquallyOften) {
  constexpr std::uint64_t kSize = 4;
  constexpr std::uint64_t kEpochs = 4000;
  std::vector<int> first(kSize);
  for (std::uint64_t epoch = 0; epoch < kEpochs; ++epoch) {
    ++first[shuffled_order(0, epoch, kSize)[0]];
  }
  for (const int count : first) {
    EXPECT_NEAR(count, 1000, 140);  // five standard deviations
  }
}

}  // namespace
}  // namespace lockstep::data::epoch_order_test
