#include "lockstep/data/label_index.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "lockstep/base/random.h"
#include "tests/data/volume_samples.h"

namespace lockstep::data::label_index_test {
namespace {

TEST(LabelIndex, FindsEveryVoxelOfTheSurfaceAndEveryKnownOneOnce) {
  const media::VolumeShape shape{3, 70, 131};  // blocks at the borders are cut
  RandomStream random({4, Purpose::kSelection});
  const auto labels = test::voxels_by<std::uint8_t>(shape, [&](std::int64_t z, std::int64_t y, std::int64_t) {
    return z == 1 && y < 64 ? 0 : static_cast<int>(random.below(3));
  });
  const test::VolumeFolder folder;
  const std::vector<VolumePair> pairs{folder.add("a", shape, labels, labels)};
  const VolumeStore store(pairs, {});
  const LabelIndex& index = *store[0].index;
  EXPECT_EQ(index.surface_voxels(), static_cast<std::uint64_t>(std::ranges::count(labels, kSurface)));
  EXPECT_EQ(index.known_voxels(), labels.size() - static_cast<std::uint64_t>(std::ranges::count(labels, kIgnore)));
  const auto visit = [&](std::uint64_t count, const auto& find, const auto& is_right) {
    std::vector<int> visits(labels.size());
    for (std::uint64_t i = 0; i < count; ++i) {
      const Place place = find(i);
      const auto voxel = static_cast<std::size_t>((place.z * shape.height + place.y) * shape.width + place.x);
      EXPECT_TRUE(is_right(labels[voxel]));
      ++visits[voxel];
    }
    EXPECT_EQ(std::ranges::count(visits, 1), static_cast<std::ptrdiff_t>(count));
  };
  visit(
      index.surface_voxels(), [&](std::uint64_t i) { return index.find_surface(i, *store[0].label); },
      [](std::uint8_t label) { return label == kSurface; });
  visit(
      index.known_voxels(), [&](std::uint64_t i) { return index.find_known(i, *store[0].label); },
      [](std::uint8_t label) { return label != kIgnore; });
}

}  // namespace
}  // namespace lockstep::data::label_index_test
