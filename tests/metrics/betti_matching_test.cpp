#include "lockstep/metrics/betti_matching.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lockstep/base/random.h"
#include "lockstep/metrics/topo_score.h"

namespace lockstep::metrics::betti_matching_test {
namespace {

using Volume = std::vector<std::uint8_t>;

/// A cell of the complex: its first voxel, and which axes it extends along (bits: 4 depth, 2 height, 1 width).
struct Cell {
  std::array<std::int64_t, 3> at;
  unsigned extent;

  auto operator<=>(const Cell&) const = default;
};

/// In the order of the published program: voxel by voxel; an edge has the number of its axis, a square that of the axis
/// across it.
std::array<std::int64_t, 4> rank_of(const Cell& cell) {
  constexpr std::array<std::int64_t, 8> kTypes{0, 2, 1, 0, 0, 1, 2, 0};
  return {cell.at[0], cell.at[1], cell.at[2], kTypes[cell.extent]};
}

std::vector<Cell> all_cells(const media::VolumeShape& shape, int dimension) {
  std::vector<Cell> cells;
  for (std::int64_t z = 0; z < shape.depth; ++z) {
    for (std::int64_t y = 0; y < shape.height; ++y) {
      for (std::int64_t x = 0; x < shape.width; ++x) {
        for (unsigned extent = 0; extent < 8; ++extent) {
          const bool fits = z + (extent >> 2 & 1) < shape.depth && y + (extent >> 1 & 1) < shape.height &&
                            x + (extent & 1) < shape.width;
          if (fits && std::popcount(extent) == dimension) {
            cells.push_back({{z, y, x}, extent});
          }
        }
      }
    }
  }
  return cells;
}

std::vector<Cell> faces_of(const Cell& cell) {
  std::vector<Cell> faces;
  for (unsigned axis = 0; axis < 3; ++axis) {
    const unsigned bit = 4U >> axis;
    if ((cell.extent & bit) != 0) {
      Cell face{cell.at, cell.extent & ~bit};
      faces.push_back(face);
      face.at[axis] += 1;
      faces.push_back(face);
    }
  }
  return faces;
}

/// 0 for a cell of the foreground, 1 for any other.
int level_of(const Volume& volume, const media::VolumeShape& shape, const Cell& cell) {
  if (cell.extent == 0) {
    return volume[shape.at(cell.at[0], cell.at[1], cell.at[2])] != 0 ? 0 : 1;
  }
  int level = 0;
  for (const Cell& face : faces_of(cell)) {
    level = std::max(level, level_of(volume, shape, face));
  }
  return level;
}

using Key = std::pair<int, std::array<std::int64_t, 4>>;

/// The pairs of the image of one filtered volume in another that are born at level 0 of the one and end at level 1 of
/// the other, by textbook reduction of the whole matrix of boundaries; gives the cells where they end.
std::set<Key> endings(const Volume& rows_by, const Volume& columns_by, const media::VolumeShape& shape, int dimension) {
  std::map<Key, std::set<Key>> columns;
  for (const Cell& cell : all_cells(shape, dimension + 1)) {
    std::set<Key>& column = columns[{level_of(columns_by, shape, cell), rank_of(cell)}];
    for (const Cell& face : faces_of(cell)) {
      column.insert({level_of(rows_by, shape, face), rank_of(face)});
    }
  }
  std::map<Key, std::set<Key>> by_last_row;
  std::set<Key> found;
  for (auto& [cell, column] : columns) {
    while (!column.empty() && by_last_row.contains(*column.rbegin())) {
      for (const Key& row : by_last_row.at(*column.rbegin())) {
        if (!column.insert(row).second) {
          column.erase(row);
        }
      }
    }
    if (column.empty()) {
      continue;
    }
    by_last_row.emplace(*column.rbegin(), column);
    if (column.rbegin()->first == 0 && cell.first == 1) {
      found.insert(cell);
    }
  }
  return found;
}

BettiMatching textbook_matching(const Volume& prediction, const Volume& truth, const media::VolumeShape& shape) {
  Volume together(truth.size());
  std::transform(prediction.begin(), prediction.end(), truth.begin(), together.begin(),
                 [](std::uint8_t a, std::uint8_t b) { return static_cast<std::uint8_t>(a | b); });
  BettiMatching counts;
  for (int dimension = 0; dimension < 3; ++dimension) {
    const std::set<Key> predicted = endings(prediction, together, shape, dimension);
    const std::set<Key> actual = endings(truth, together, shape, dimension);
    BettiCounts& count = counts[static_cast<std::size_t>(dimension)];
    count.matched = std::ranges::count_if(predicted, [&actual](const Key& cell) { return actual.contains(cell); });
    count.predicted = static_cast<std::int64_t>(endings(prediction, prediction, shape, dimension).size());
    count.actual = static_cast<std::int64_t>(endings(truth, truth, shape, dimension).size());
  }
  return counts;
}

TEST(BettiMatching, IsThatOfTheWholeMatrix) {
  RandomStream random(RandomKey{6, Purpose::kSelection, 0, 0, 0});
  std::array<std::int64_t, 3> matched{};
  for (int round = 0; round < 400; ++round) {
    // Every other one is almost full and not thin, so that there are cavities.
    const bool is_dense = round % 2 == 1;
    const auto side = [&] { return static_cast<std::int64_t>(is_dense ? 3 + random.below(5) : 1 + random.below(6)); };
    const std::int64_t depth = side();
    const std::int64_t height = side();
    const media::VolumeShape shape{depth, height, side()};
    Volume prediction(static_cast<std::size_t>(shape.voxels()));
    Volume truth(prediction.size());
    const double density = is_dense ? random.uniform(0.9, 0.99) : random.uniform(0.1, 0.98);
    const double differing = random.uniform(0, is_dense ? 0.05 : 0.4);
    for (std::size_t i = 0; i < truth.size(); ++i) {
      truth[i] = random.chance(density) ? 1 : 0;
      prediction[i] = random.chance(differing) ? 1 - truth[i] : truth[i];
    }
    const BettiMatching counts = match_betti(prediction, truth, shape);
    const BettiMatching expected = textbook_matching(prediction, truth, shape);
    for (std::size_t dimension = 0; dimension < 3; ++dimension) {
      ASSERT_EQ(counts[dimension].matched, expected[dimension].matched) << "round " << round << ", " << dimension;
      ASSERT_EQ(counts[dimension].predicted, expected[dimension].predicted) << "round " << round << ", " << dimension;
      ASSERT_EQ(counts[dimension].actual, expected[dimension].actual) << "round " << round << ", " << dimension;
      matched[dimension] += counts[dimension].matched;
    }
  }
  for (const std::int64_t of_dimension : matched) {
    EXPECT_GT(of_dimension, 10);
  }
}

/// A ring of 3 × 3 voxels around a hole, in the slice z at row y and column x.
void draw_ring(Volume& volume, const media::VolumeShape& shape, std::int64_t z, std::int64_t y, std::int64_t x) {
  for (std::int64_t i = 0; i < 9; ++i) {
    volume[shape.at(z, y + i / 3, x + i % 3)] = i == 4 ? 0 : 1;
  }
}

TEST(BettiMatching, RingsAtTheSamePlaceMatchAndApartDoNot) {
  const media::VolumeShape shape{3, 4, 12};
  Volume here(static_cast<std::size_t>(shape.voxels()), 0);
  Volume there = here;
  draw_ring(here, shape, 1, 0, 0);
  draw_ring(there, shape, 1, 0, 8);
  EXPECT_EQ(match_betti(here, here, shape)[1], (BettiCounts{1, 1, 1}));
  EXPECT_EQ(match_betti(here, there, shape)[1], (BettiCounts{0, 1, 1}));
}

TEST(BettiMatching, AHollowCubeIsACavityUntilItHasAHoleAtACorner) {
  const media::VolumeShape shape{5, 5, 5};
  Volume hollow(125, 0);
  for (std::int64_t i = 0; i < 27; ++i) {
    hollow[shape.at(1 + i / 9, 1 + i / 3 % 3, 1 + i % 3)] = i == 13 ? 0 : 1;
  }
  Volume open = hollow;
  open[shape.at(1, 1, 1)] = 0;
  EXPECT_EQ(match_betti(hollow, hollow, shape)[2], (BettiCounts{1, 1, 1}));
  EXPECT_EQ(match_betti(open, hollow, shape)[2], (BettiCounts{0, 0, 1}));
}

TEST(TopoScore, IsOneWhereNothingCanBeMissed) { EXPECT_EQ(topo_score({}), 1); }

TEST(TopoScore, IsTheWeightedF1OfTheDimensionsThatHaveFeatures) {
  BettiMatching counts;
  counts[0] = {1, 2, 3};
  EXPECT_DOUBLE_EQ(topo_score(counts), 0.4);
  counts[2] = {0, 4, 0};
  EXPECT_DOUBLE_EQ(topo_score(counts), (0.34 * 0.4 + 0.33 * 0.5 / 4.5) / 0.67);
}

TEST(TopoScore, CountsBoxByBox) {
  const media::VolumeShape shape{3, 3, 7};
  Volume volume(static_cast<std::size_t>(shape.voxels()), 0);
  draw_ring(volume, shape, 0, 0, 2);  // columns 2 to 4: the first box ends after column 3
  EXPECT_EQ(match_betti(volume, volume, shape)[1].actual, 1);
  EXPECT_EQ(match_betti_in_octants(volume, volume, shape, 2)[1].actual, 0);
}

}  // namespace
}  // namespace lockstep::metrics::betti_matching_test
