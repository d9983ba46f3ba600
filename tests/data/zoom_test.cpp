#include "lockstep/data/zoom.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "lockstep/base/random.h"
#include "lockstep/base/text.h"

namespace lockstep::data::zoom_test {
namespace {

using media::VolumeShape;

template <typename Voxel>
std::vector<Voxel> random_voxels(const VolumeShape& shape) {
  RandomStream random({5, Purpose::kAugment, 0, 0, 0});
  std::vector<Voxel> voxels(static_cast<std::size_t>(shape.voxels()));
  std::ranges::generate(voxels, [&] { return static_cast<Voxel>(random.next()); });
  return voxels;
}

/// Where the middle of a voxel lies in the box that it is made from.
double middle_of(std::int64_t place, std::int64_t from, std::int64_t to) {
  return (static_cast<double>(place) + 0.5) * static_cast<double>(from) / static_cast<double>(to) - 0.5;
}

/// The eight voxels around a place, each as heavy as it is near along every axis; those outside are the nearest inside.
template <typename Voxel>
double blend_of_eight(const std::vector<Voxel>& source, const VolumeShape& shape, const std::array<double, 3>& place) {
  const std::array<std::int64_t, 3> sides{shape.depth, shape.height, shape.width};
  double sum = 0;
  for (unsigned corner = 0; corner < 8; ++corner) {
    double weight = 1;
    std::array<std::int64_t, 3> at{};
    for (unsigned axis = 0; axis < 3; ++axis) {
      const double low = std::floor(place[axis]);
      const bool is_high = (corner >> axis & 1U) != 0;
      weight *= is_high ? place[axis] - low : 1 - (place[axis] - low);
      at[axis] = std::clamp<std::int64_t>(static_cast<std::int64_t>(low) + (is_high ? 1 : 0), 0, sides[axis] - 1);
    }
    sum += weight * source[shape.at(at[0], at[1], at[2])];
  }
  return sum;
}

template <typename Voxel>
void expect_linear(const VolumeShape& from, const VolumeShape& to, double tolerance) {
  SCOPED_TRACE(text(from.depth, "x", from.height, "x", from.width, " to ", to.depth, "x", to.height, "x", to.width));
  const std::vector<Voxel> source = random_voxels<Voxel>(from);
  std::vector<Voxel> target(static_cast<std::size_t>(to.voxels()));
  zoom_voxels(source, from, target, to);
  for (std::int64_t z = 0; z < to.depth; ++z) {
    for (std::int64_t y = 0; y < to.height; ++y) {
      for (std::int64_t x = 0; x < to.width; ++x) {
        const double expected =
            blend_of_eight(source, from,
                           {middle_of(z, from.depth, to.depth), middle_of(y, from.height, to.height),
                            middle_of(x, from.width, to.width)});
        ASSERT_NEAR(target[to.at(z, y, x)], expected, tolerance) << z << " " << y << " " << x;
      }
    }
  }
}

const std::vector<std::pair<VolumeShape, VolumeShape>> kShapes{
    {{5, 7, 9}, {8, 6, 13}}, {{9, 16, 33}, {6, 16, 20}}, {{1, 1, 1}, {3, 2, 4}}, {{4, 5, 6}, {1, 1, 1}}};

TEST(Zoom, IsLinearBetweenTheMiddlesOfVoxels) {
  for (const auto& [from, to] : kShapes) {
    expect_linear<std::uint8_t>(from, to, 0.5 + 1e-3);
    expect_linear<std::uint16_t>(from, to, 0.5 + 0.05);
  }
}

TEST(Zoom, ToTheSameShapeChangesNothing) {
  const VolumeShape shape{3, 5, 18};
  const auto source = random_voxels<std::uint16_t>(shape);
  std::vector<std::uint16_t> target(source.size());
  zoom_voxels(source, shape, target, shape);
  EXPECT_EQ(target, source);
  const auto labels = random_voxels<std::uint8_t>(shape);
  std::vector<std::uint8_t> zoomed(labels.size());
  zoom_labels(labels, shape, zoomed, shape);
  EXPECT_EQ(zoomed, labels);
}

TEST(Zoom, OfLabelsTakesTheNearestVoxel) {
  for (const auto& [from, to] : kShapes) {
    const std::vector<std::uint8_t> source = random_voxels<std::uint8_t>(from);
    std::vector<std::uint8_t> target(static_cast<std::size_t>(to.voxels()));
    zoom_labels(source, from, target, to);
    const auto nearest = [](std::int64_t place, std::int64_t side, std::int64_t sides) {
      return static_cast<std::int64_t>(std::floor(middle_of(place, side, sides) + 0.5 + 1e-9));
    };
    for (std::int64_t z = 0; z < to.depth; ++z) {
      for (std::int64_t y = 0; y < to.height; ++y) {
        for (std::int64_t x = 0; x < to.width; ++x) {
          ASSERT_EQ(target[to.at(z, y, x)],
                    source[from.at(nearest(z, from.depth, to.depth), nearest(y, from.height, to.height),
                                   nearest(x, from.width, to.width))]);
        }
      }
    }
  }
}

}  // namespace
}  // namespace lockstep::data::zoom_test
