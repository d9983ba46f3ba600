#include "lockstep/data/axis_turn.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

namespace lockstep::data::axis_turn_test {
namespace {

template <typename Voxel>
std::vector<Voxel> numbered(const media::VolumeShape& shape) {
  std::vector<Voxel> voxels(static_cast<std::size_t>(shape.voxels()));
  std::iota(voxels.begin(), voxels.end(), Voxel{0});
  return voxels;
}

/// By the definition, voxel by voxel.
template <typename Voxel>
std::vector<Voxel> turned(const std::vector<Voxel>& source, const media::VolumeShape& shape, const AxisTurn& turn) {
  const std::array<std::int64_t, 3> sides{shape.depth, shape.height, shape.width};
  std::vector<Voxel> target;
  for (std::int64_t z = 0; z < sides[0]; ++z) {
    for (std::int64_t y = 0; y < sides[1]; ++y) {
      for (std::int64_t x = 0; x < sides[2]; ++x) {
        const std::array<std::int64_t, 3> place{z, y, x};
        std::array<std::int64_t, 3> from{};
        for (std::size_t axis = 0; axis < 3; ++axis) {
          from[static_cast<std::size_t>(turn.source[axis])] =
              turn.flipped[axis] ? sides[axis] - 1 - place[axis] : place[axis];
        }
        target.push_back(source[static_cast<std::size_t>((from[0] * sides[1] + from[1]) * sides[2] + from[2])]);
      }
    }
  }
  return target;
}

TEST(TurnsOf, AreAllThatKeepTheShape) {
  EXPECT_EQ(turns_of(Symmetries::kAll, {8, 8, 8}).size(), 48U);
  EXPECT_EQ(turns_of(Symmetries::kAll, {4, 8, 8}).size(), 16U);
  EXPECT_EQ(turns_of(Symmetries::kAll, {8, 4, 8}).size(), 16U);
  EXPECT_EQ(turns_of(Symmetries::kAll, {2, 4, 8}).size(), 8U);
  EXPECT_EQ(turns_of(Symmetries::kInPlane, {8, 8, 8}).size(), 16U);
  EXPECT_EQ(turns_of(Symmetries::kInPlane, {8, 8, 4}).size(), 8U);
  EXPECT_EQ(turns_of(Symmetries::kFlips, {8, 8, 8}).size(), 8U);
  EXPECT_EQ(turns_of(Symmetries::kNone, {8, 8, 8}), std::vector<AxisTurn>{AxisTurn{}});
}

TEST(TurnVoxels, GivesFortyEightDifferentCubesEachAsItIsDefined) {
  const media::VolumeShape shape{19, 19, 19};
  const auto voxels = numbered<std::uint16_t>(shape);
  std::set<std::vector<std::uint16_t>> results;
  for (const AxisTurn& turn : turns_of(Symmetries::kAll, shape)) {
    std::vector<std::uint16_t> result(voxels.size());
    turn_voxels(std::span(voxels), shape, turn, std::span(result));
    ASSERT_EQ(result, turned(voxels, shape, turn));
    results.insert(result);
  }
  EXPECT_EQ(results.size(), 48U);
  EXPECT_EQ(turns_of(Symmetries::kAll, shape).front(), AxisTurn{});
}

TEST(TurnVoxels, KeepsTheShapeOfEveryPatch) {
  for (const media::VolumeShape& shape :
       {media::VolumeShape{3, 40, 40}, {17, 5, 17}, {21, 21, 4}, {2, 3, 5}, {1, 1, 1}}) {
    const auto voxels = numbered<std::uint8_t>(shape);
    for (const AxisTurn& turn : turns_of(Symmetries::kAll, shape)) {
      std::vector<std::uint8_t> result(voxels.size());
      turn_voxels(std::span(voxels), shape, turn, std::span(result));
      ASSERT_EQ(result, turned(voxels, shape, turn));
    }
  }
}

}  // namespace
}  // namespace lockstep::data::axis_turn_test
