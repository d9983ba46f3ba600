#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "lockstep/media/volume.h"

namespace lockstep::metrics {

/// The edges and squares between the voxels of a volume, its axes being depth, height, width. A cell is known by
/// 3 * the first of its voxels + an axis: an edge lies along its axis, a square across it. That is also their order.
class CubicalGrid {
 public:
  using Cell = std::uint32_t;

  explicit CubicalGrid(const media::VolumeShape& shape)
      : sides_{shape.depth, shape.height, shape.width},
        steps_{static_cast<Cell>(shape.height * shape.width), static_cast<Cell>(shape.width), 1},
        cells_(static_cast<std::size_t>(3 * shape.voxels())) {}

  /// Numbers of edges, and of squares, are below this.
  std::size_t cells() const { return cells_; }

  /// How far apart voxels lie that follow each other along an axis.
  Cell step(std::size_t axis) const { return steps_[axis]; }

  /// Calls `visit(square, position)` for all squares in order; the position is that of its first voxel.
  template <typename Visit>
  void visit_squares(Visit&& visit) const {
    Cell square = 0;
    std::array<std::int64_t, 3> at{};
    for (at[0] = 0; at[0] < sides_[0]; ++at[0]) {
      for (at[1] = 0; at[1] < sides_[1]; ++at[1]) {
        for (at[2] = 0; at[2] < sides_[2]; ++at[2]) {
          const std::array<bool, 3> goes_on{at[0] + 1 < sides_[0], at[1] + 1 < sides_[1], at[2] + 1 < sides_[2]};
          for (std::size_t axis = 0; axis < 3; ++axis, ++square) {
            if (goes_on[(axis + 1) % 3] && goes_on[(axis + 2) % 3]) {
              visit(square, at);
            }
          }
        }
      }
    }
  }

  std::array<Cell, 4> edges_of(Cell square) const {
    const Cell voxel = square / 3;
    const Cell a = (square + 1) % 3;
    const Cell b = (square + 2) % 3;
    return {3 * voxel + a, 3 * voxel + b, 3 * (voxel + steps_[b]) + a, 3 * (voxel + steps_[a]) + b};
  }

  bool edge_in(std::span<const std::uint8_t> volume, Cell edge) const {
    return volume[edge / 3] != 0 && volume[edge / 3 + steps_[edge % 3]] != 0;
  }

  bool square_in(std::span<const std::uint8_t> volume, Cell square) const {
    const Cell voxel = square / 3;
    const Cell a = steps_[(square + 1) % 3];
    const Cell b = steps_[(square + 2) % 3];
    return volume[voxel] != 0 && volume[voxel + a] != 0 && volume[voxel + b] != 0 && volume[voxel + a + b] != 0;
  }

  const std::array<std::int64_t, 3>& sides() const { return sides_; }

 private:
  std::array<std::int64_t, 3> sides_;
  std::array<Cell, 3> steps_;
  std::size_t cells_;
};

}  // namespace lockstep::metrics
