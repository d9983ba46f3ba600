#include "lockstep/metrics/components.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "lockstep/base/random.h"
#include "lockstep/metrics/small_components.h"

namespace lockstep::metrics::components_test {
namespace {

/// Labels found by flooding from each voxel in turn.
std::vector<std::uint32_t> flood(const std::vector<std::uint8_t>& volume, const media::VolumeShape& shape,
                                 std::int64_t most_steps) {
  std::vector<std::uint32_t> labels(volume.size(), 0);
  std::uint32_t count = 0;
  for (std::size_t start = 0; start < volume.size(); ++start) {
    if (volume[start] == 0 || labels[start] != 0) {
      continue;
    }
    labels[start] = ++count;
    for (std::vector<std::size_t> open{start}; !open.empty();) {
      const auto at = static_cast<std::int64_t>(open.back());
      open.pop_back();
      for (std::int64_t i = 0; i < 27; ++i) {
        const std::int64_t z = at / (shape.height * shape.width) + i / 9 - 1;
        const std::int64_t y = at / shape.width % shape.height + i / 3 % 3 - 1;
        const std::int64_t x = at % shape.width + i % 3 - 1;
        const std::int64_t steps = std::abs(i / 9 - 1) + std::abs(i / 3 % 3 - 1) + std::abs(i % 3 - 1);
        const bool is_inside = z >= 0 && y >= 0 && x >= 0 && z < shape.depth && y < shape.height && x < shape.width;
        if (is_inside && steps <= most_steps && volume[shape.at(z, y, x)] != 0 && labels[shape.at(z, y, x)] == 0) {
          labels[shape.at(z, y, x)] = count;
          open.push_back(shape.at(z, y, x));
        }
      }
    }
  }
  return labels;
}

TEST(Components, AreThoseThatFloodingFinds) {
  RandomStream random(RandomKey{5, Purpose::kSelection, 0, 0, 0});
  for (int round = 0; round < 200; ++round) {
    const media::VolumeShape shape{static_cast<std::int64_t>(1 + random.below(9)),
                                   static_cast<std::int64_t>(1 + random.below(9)),
                                   static_cast<std::int64_t>(1 + random.below(9))};
    std::vector<std::uint8_t> volume(static_cast<std::size_t>(shape.voxels()));
    const double density = random.uniform(0, 0.7);
    for (std::uint8_t& voxel : volume) {
      voxel = random.chance(density) ? 3 : 0;
    }
    ASSERT_EQ(connected_components(volume, shape, Connectivity::kFaces).labels, flood(volume, shape, 1));
    ASSERT_EQ(connected_components(volume, shape, Connectivity::kCorners).labels, flood(volume, shape, 3));
  }
}

TEST(Components, KnowTheirSizes) {
  const std::vector<std::uint8_t> volume{1, 1, 0, 1, 0, 0, 0, 0, 1, 1, 1, 1};
  const Components components = connected_components(volume, {1, 3, 4}, Connectivity::kFaces);
  EXPECT_EQ(components.count(), 3);
  EXPECT_EQ(components.sizes, (std::vector<std::int64_t>{2, 1, 4}));
}

/// Taken away by the numbers and sizes of all components.
std::vector<std::uint8_t> without_small(const std::vector<std::uint8_t>& volume, const media::VolumeShape& shape,
                                        Connectivity connectivity, std::int64_t smallest) {
  const Components components = connected_components(volume, shape, connectivity);
  std::vector<std::uint8_t> rest = volume;
  for (std::size_t i = 0; i < volume.size(); ++i) {
    if (volume[i] != 0 && components.sizes[components.labels[i] - 1] < smallest) {
      rest[i] = 0;
    }
  }
  return rest;
}

TEST(Components, ThatAreSmallAreFoundSliceBySliceAsInTheWholeVolume) {
  RandomStream random(RandomKey{6, Purpose::kSelection, 0, 0, 0});
  for (int round = 0; round < 300; ++round) {
    const media::VolumeShape shape{static_cast<std::int64_t>(1 + random.below(12)),
                                   static_cast<std::int64_t>(1 + random.below(9)),
                                   static_cast<std::int64_t>(1 + random.below(9))};
    std::vector<std::uint8_t> volume(static_cast<std::size_t>(shape.voxels()));
    const double density = random.uniform(0, 0.5);
    for (std::uint8_t& voxel : volume) {
      voxel = random.chance(density) ? 1 : 0;
    }
    const auto smallest = static_cast<std::int64_t>(random.below(30));
    for (const Connectivity connectivity : {Connectivity::kFaces, Connectivity::kCorners}) {
      std::vector<std::uint8_t> rest = volume;
      const std::int64_t removed = remove_small_components(rest, shape, connectivity, smallest);
      ASSERT_EQ(rest, without_small(volume, shape, connectivity, smallest));
      ASSERT_EQ(removed, std::ranges::count(volume, 1) - std::ranges::count(rest, 1));
    }
  }
}

TEST(Components, ThatAreSmallAreHandedOutWithTheirSizes) {
  // Two slices: a column through both with an arm, and a voxel by itself.
  const std::vector<std::uint8_t> volume{1, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0};
  std::map<std::int64_t, std::int64_t> sizes;  // by voxel
  const auto note = [&](std::int64_t first, std::int64_t count, std::int64_t size) {
    for (std::int64_t i = first; i < first + count; ++i) {
      sizes[i] = size;
    }
  };
  for_each_small_run(volume, {2, 2, 3}, Connectivity::kFaces, 4, note);
  EXPECT_EQ(sizes, (std::map<std::int64_t, std::int64_t>{{0, 3}, {5, 1}, {6, 3}, {7, 3}}));
  sizes.clear();
  for_each_small_run(volume, {2, 2, 3}, Connectivity::kFaces, 3, note);
  EXPECT_EQ(sizes, (std::map<std::int64_t, std::int64_t>{{5, 1}}));
}

TEST(Components, SmallOnesAreRemoved) {
  std::vector<std::uint8_t> volume{7, 7, 0, 7, 0, 0, 0, 0, 7, 7, 7, 7};
  EXPECT_EQ(remove_small_components(volume, {1, 3, 4}, Connectivity::kFaces, 2), 1);
  EXPECT_EQ(volume, (std::vector<std::uint8_t>{7, 7, 0, 0, 0, 0, 0, 0, 7, 7, 7, 7}));
  EXPECT_EQ(remove_small_components(volume, {1, 3, 4}, Connectivity::kFaces, 5), 6);
}

TEST(Components, OverCornersHangTogetherThatDoNotOverFaces) {
  const std::vector<std::uint8_t> volume{1, 0, 0, 0, 0, 0, 0, 1};
  EXPECT_EQ(connected_components(volume, {2, 2, 2}, Connectivity::kFaces).count(), 2);
  EXPECT_EQ(connected_components(volume, {2, 2, 2}, Connectivity::kCorners).count(), 1);
}

}  // namespace
}  // namespace lockstep::metrics::components_test
