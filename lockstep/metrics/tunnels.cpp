#include "lockstep/metrics/tunnels.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <vector>

#include "lockstep/metrics/cubical_grid.h"
#include "lockstep/metrics/parity_column.h"
#include "lockstep/metrics/union_find.h"

// The homology of the inclusion of one volume into the union while the union's background fills in, by reducing the
// matrix of boundaries: rows are edges in the volume's order, columns squares in the union's (Bauer and Schmahl,
// "Efficient computation of image persistence", 2023). Of what the reduction gives, only the squares are wanted that
// end a tunnel of the volume.

namespace lockstep::metrics {
namespace {

using Volume = std::span<const std::uint8_t>;
using Cell = CubicalGrid::Cell;

/// The squares in the order in which they come: those of the union first.
std::vector<Cell> squares_in_order(Volume together, const CubicalGrid& grid) {
  std::vector<Cell> inside;
  std::vector<Cell> outside;
  grid.visit_squares(
      [&](Cell square, const auto&) { (grid.square_in(together, square) ? inside : outside).push_back(square); });
  inside.insert(inside.end(), outside.begin(), outside.end());
  return inside;
}

/// Leaves out the squares that close a surface, since their columns become zero. Seen from the last square to the
/// first, they are those that join cubes, or a cube with the outside, that are not joined yet.
void leave_out_closing(std::vector<Cell>& squares, const CubicalGrid& grid) {
  const auto outside = static_cast<std::uint32_t>(grid.cells() / 3);
  const std::array<std::int64_t, 3>& sides = grid.sides();
  UnionFind sets(outside + 1);
  const auto side_of = [&](Cell square, bool is_behind) {
    const Cell voxel = square / 3;
    const Cell axis = square % 3;
    const auto position = static_cast<std::int64_t>(voxel / grid.step(axis)) % sides[axis];
    if (is_behind) {
      return position + 1 < sides[axis] ? voxel : outside;
    }
    return position > 0 ? voxel - grid.step(axis) : outside;
  };
  std::vector<Cell> kept;
  kept.reserve(squares.size());
  for (auto square = squares.rbegin(); square != squares.rend(); ++square) {
    const std::uint32_t a = sets.find(side_of(*square, false));
    const std::uint32_t b = sets.find(side_of(*square, true));
    if (a == b) {
      kept.push_back(*square);
    } else {
      sets.unite(a, b);
    }
  }
  squares.assign(kept.rbegin(), kept.rend());
}

/// Reduces the columns of the squares, the edges of one volume being the first rows.
class Reduction {
 public:
  Reduction(Volume volume, const CubicalGrid& grid)
      : volume_(volume), grid_(grid), column_(2 * grid.cells()), owner_(grid.cells(), kNobody) {}

  /// Whether, after the columns before, this square ends a tunnel of the volume, or closes a surface on it: whether the
  /// last row of its reduced column is an edge of the volume.
  bool ends_in_volume(Cell square) {
    std::array<Row, 4> rows = rows_of(square);
    Row last = *std::max_element(rows.begin(), rows.end());
    if (owner_of(last) == kNobody) {
      owner_of(last) = square;
      return is_in_volume(last);
    }
    add(rows);
    for (auto row = column_.largest(); row; row = column_.largest()) {
      last = static_cast<Row>(*row);
      const std::uint32_t owner = owner_of(last);
      if (owner == kNobody) {
        owner_of(last) = kReduced | static_cast<std::uint32_t>(reduced_.size());
        reduced_.push_back(column_.take_all());
        return is_in_volume(last);
      }
      if ((owner & kReduced) != 0) {
        add(reduced_[owner & ~kReduced]);
      } else {
        add(rows_of(owner));
      }
    }
    return false;
  }

 private:
  using Row = std::uint32_t;
  static constexpr std::uint32_t kReduced = 1U << 31;  ///< the owner is a column that was added to
  static constexpr std::uint32_t kNobody = ~0U;

  bool is_in_volume(Row row) const { return row < grid_.cells(); }

  std::uint32_t& owner_of(Row row) { return owner_[row < grid_.cells() ? row : row - grid_.cells()]; }

  std::array<Row, 4> rows_of(Cell square) const {
    std::array<Row, 4> rows = grid_.edges_of(square);
    for (Row& row : rows) {
      row += grid_.edge_in(volume_, row) ? 0 : static_cast<Row>(grid_.cells());
    }
    return rows;
  }

  template <typename Rows>
  void add(const Rows& rows) {
    for (const Row row : rows) {
      column_.flip(row);
    }
  }

  Volume volume_;
  const CubicalGrid& grid_;
  ParityColumn column_;
  std::vector<std::uint32_t> owner_;  ///< by edge: the column of which it is the last row
  std::vector<std::vector<Row>> reduced_;
};

/// The squares outside of the union that end a tunnel of a volume, in order.
std::vector<Cell> ending_squares(const std::vector<Cell>& squares, Volume volume, Volume together,
                                 const CubicalGrid& grid) {
  Reduction reduction(volume, grid);
  std::vector<Cell> ending;
  for (const Cell square : squares) {
    if (reduction.ends_in_volume(square) && !grid.square_in(together, square)) {
      ending.push_back(square);
    }
  }
  return ending;
}

}  // namespace

std::int64_t matched_tunnels(Volume prediction, Volume truth, Volume together, const media::VolumeShape& shape) {
  const CubicalGrid grid(shape);
  std::vector<Cell> squares = squares_in_order(together, grid);
  leave_out_closing(squares, grid);
  const std::vector<Cell> predicted = ending_squares(squares, prediction, together, grid);
  const std::vector<Cell> actual = ending_squares(squares, truth, together, grid);
  std::vector<Cell> matched;
  std::set_intersection(predicted.begin(), predicted.end(), actual.begin(), actual.end(), std::back_inserter(matched));
  return static_cast<std::int64_t>(matched.size());
}

}  // namespace lockstep::metrics
