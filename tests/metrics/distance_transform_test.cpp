#include "lockstep/metrics/distance_transform.h"

#include <gtest/gtest.h>

#include <limits>

#include "lockstep/base/random.h"

namespace lockstep::metrics::distance_transform_test {
namespace {

struct Nearest {
  std::int64_t index = -1;
  std::int64_t squared_distance = std::numeric_limits<std::int64_t>::max();
};

/// Column by column, so that of equally near pixels the first is the one to be given.
Nearest search_all(const std::vector<std::uint8_t>& marked, std::int64_t width, std::int64_t height, std::int64_t y,
                   std::int64_t x) {
  Nearest nearest;
  for (std::int64_t column = 0; column < width; ++column) {
    for (std::int64_t row = 0; row < height; ++row) {
      const std::int64_t squared_distance = (row - y) * (row - y) + (column - x) * (column - x);
      if (marked[static_cast<std::size_t>(row * width + column)] != 0 && squared_distance < nearest.squared_distance) {
        nearest = {row * width + column, squared_distance};
      }
    }
  }
  return nearest;
}

TEST(DistanceTransform, FindsThePixelThatASearchOverAllFinds) {
  RandomStream random(RandomKey{3, Purpose::kSelection, 0, 0, 0});
  for (int round = 0; round < 200; ++round) {
    const auto width = static_cast<std::int64_t>(1 + random.below(24));
    const auto height = static_cast<std::int64_t>(1 + random.below(24));
    std::vector<std::uint8_t> marked(static_cast<std::size_t>(width * height));
    const double density = random.uniform(0, 0.3);
    for (std::uint8_t& pixel : marked) {
      pixel = random.chance(density) ? 1 : 0;
    }
    marked[random.below(marked.size())] = 1;

    const NearestPixels nearest = nearest_marked_pixels(marked, width, height);
    for (std::int64_t y = 0; y < height; ++y) {
      for (std::int64_t x = 0; x < width; ++x) {
        const Nearest expected = search_all(marked, width, height, y, x);
        const auto i = static_cast<std::size_t>(y * width + x);
        ASSERT_EQ(nearest.squared_distance[i], expected.squared_distance) << "row " << y << ", column " << x;
        ASSERT_EQ(nearest.index[i], expected.index) << "row " << y << ", column " << x;
      }
    }
  }
}

}  // namespace
}  // namespace lockstep::metrics::distance_transform_test
