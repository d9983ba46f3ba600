#include "lockstep/metrics/volume_distance.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "lockstep/base/random.h"

namespace lockstep::metrics::volume_distance_test {
namespace {

std::int32_t search_all(const std::vector<std::uint8_t>& marked, const media::VolumeShape& shape, std::int64_t z,
                        std::int64_t y, std::int64_t x) {
  std::int64_t nearest = kFar;
  for (std::int64_t i = 0; i < shape.voxels(); ++i) {
    const std::int64_t dz = i / (shape.height * shape.width) - z;
    const std::int64_t dy = i / shape.width % shape.height - y;
    const std::int64_t dx = i % shape.width - x;
    if (marked[static_cast<std::size_t>(i)] != 0) {
      nearest = std::min(nearest, dz * dz + dy * dy + dx * dx);
    }
  }
  return static_cast<std::int32_t>(nearest);
}

TEST(VolumeDistance, WhatNoIntegerHoldsIsFar) {
  const media::VolumeShape line{1, 1, 60000};
  std::vector<std::uint8_t> marked(60000);
  marked[0] = 1;
  const std::vector<std::int32_t> along = squared_distances(marked, line);
  EXPECT_EQ(along[46340], 46340 * 46340);
  EXPECT_EQ(along[46341], kFar);
  EXPECT_EQ(along[59999], kFar);
  const media::VolumeShape column{60000, 1, 2};
  std::vector<std::uint8_t> top(static_cast<std::size_t>(column.voxels()));
  top[1] = 1;
  const std::vector<std::int32_t> down = squared_distances(top, column);
  EXPECT_EQ(down[2 * 46340], 46340 * 46340 + 1);
  EXPECT_EQ(down[2 * 46341], kFar);
  EXPECT_EQ(down.back(), kFar);
}

TEST(VolumeDistance, IsThatWhichASearchOverAllFinds) {
  RandomStream random(RandomKey{4, Purpose::kSelection, 0, 0, 0});
  for (int round = 0; round < 60; ++round) {
    const media::VolumeShape shape{static_cast<std::int64_t>(1 + random.below(8)),
                                   static_cast<std::int64_t>(1 + random.below(8)),
                                   static_cast<std::int64_t>(1 + random.below(20))};
    std::vector<std::uint8_t> marked(static_cast<std::size_t>(shape.voxels()));
    const double density = random.uniform(0, 0.1);
    for (std::uint8_t& voxel : marked) {
      voxel = random.chance(density) ? 1 : 0;
    }
    constexpr std::int32_t kLimit = 5;
    const std::vector<std::int32_t> distances = squared_distances(marked, shape, kFar, 2);
    const std::vector<std::int32_t> limited = squared_distances(marked, shape, kLimit);
    for (std::int64_t z = 0; z < shape.depth; ++z) {
      for (std::int64_t y = 0; y < shape.height; ++y) {
        for (std::int64_t x = 0; x < shape.width; ++x) {
          const std::int32_t expected = search_all(marked, shape, z, y, x);
          ASSERT_EQ(distances[shape.at(z, y, x)], expected);
          if (expected <= kLimit) {
            ASSERT_EQ(limited[shape.at(z, y, x)], expected);
          } else {
            ASSERT_GT(limited[shape.at(z, y, x)], kLimit);
          }
        }
      }
    }
  }
}

TEST(VolumeDistance, IsFarWhereNothingIsMarked) {
  const std::vector<std::uint8_t> nothing(12, 0);
  EXPECT_EQ(squared_distances(nothing, {2, 2, 3}), std::vector<std::int32_t>(12, kFar));
}

}  // namespace
}  // namespace lockstep::metrics::volume_distance_test
