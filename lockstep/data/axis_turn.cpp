#include "lockstep/data/axis_turn.h"

#include <algorithm>
#include <cstddef>

#include "lockstep/base/error.h"

namespace lockstep::data {
namespace {

using Sides = std::array<std::ptrdiff_t, 3>;

Sides sides_of(const media::VolumeShape& shape) { return {shape.depth, shape.height, shape.width}; }

/// The voxels of a square that are turned at once: as many as the nearest cache holds rows of.
constexpr std::ptrdiff_t kSquare = 16;

/// target[row * to + column] = source[column * from ± row], for so many rows and columns: the rows of what is turned
/// run along the columns of what it is made from.
template <typename Voxel>
void transpose(const Voxel* source, std::ptrdiff_t from, std::ptrdiff_t step, Voxel* target, std::ptrdiff_t to,
               std::ptrdiff_t rows, std::ptrdiff_t columns) {
  for (std::ptrdiff_t row = 0; row < rows; row += kSquare) {
    const std::ptrdiff_t row_end = std::min(row + kSquare, rows);
    for (std::ptrdiff_t column = 0; column < columns; column += kSquare) {
      const std::ptrdiff_t column_end = std::min(column + kSquare, columns);
      for (std::ptrdiff_t r = row; r < row_end; ++r) {
        const Voxel* first = source + r * step;
        Voxel* line = target + r * to;
        for (std::ptrdiff_t c = column; c < column_end; ++c) {
          line[c] = first[c * from];
        }
      }
    }
  }
}

template <typename Voxel>
void turn(std::span<const Voxel> source, const media::VolumeShape& shape, const AxisTurn& by, std::span<Voxel> target) {
  const Sides sides = sides_of(shape);
  const Sides strides{sides[1] * sides[2], sides[2], 1};
  LOCKSTEP_ASSERT(source.size() == target.size() && static_cast<std::int64_t>(source.size()) == shape.voxels(),
                  "voxels of another shape");
  const Voxel* first = source.data();
  Sides steps{};  // in the source, for a step along each axis of the target
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const auto from = static_cast<std::size_t>(by.source[axis]);
    LOCKSTEP_ASSERT(sides[from] == sides[axis], "the turn changes the shape");
    steps[axis] = by.flipped[axis] ? -strides[from] : strides[from];
    first += by.flipped[axis] ? strides[from] * (sides[axis] - 1) : 0;
  }
  if (by.source[2] == 2) {
    for (std::ptrdiff_t z = 0; z < sides[0]; ++z) {
      for (std::ptrdiff_t y = 0; y < sides[1]; ++y) {
        const Voxel* row = first + z * steps[0] + y * steps[1];
        Voxel* line = target.data() + z * strides[0] + y * strides[1];
        steps[2] == 1 ? std::copy(row, row + sides[2], line) : std::reverse_copy(row - sides[2] + 1, row + 1, line);
      }
    }
    return;
  }
  // The source's rows run along `along`, the third axis is `across`.
  const std::size_t along = by.source[0] == 2 ? 0 : 1;
  const std::size_t across = 1 - along;
  for (std::ptrdiff_t i = 0; i < sides[across]; ++i) {
    transpose(first + i * steps[across], steps[2], steps[along], target.data() + i * strides[across], strides[along],
              sides[along], sides[2]);
  }
}

}  // namespace

std::vector<AxisTurn> turns_of(Symmetries symmetries, const media::VolumeShape& patch) {
  const Sides sides = sides_of(patch);
  std::vector<AxisTurn> turns;
  AxisTurn turn;
  do {
    bool fits = true;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      fits = fits && sides[axis] == sides[static_cast<std::size_t>(turn.source[axis])];
    }
    const bool keeps_axes = turn.source == std::array{0, 1, 2};
    const bool is_wanted =
        symmetries == Symmetries::kAll || keeps_axes || (symmetries == Symmetries::kInPlane && turn.source[0] == 0);
    for (unsigned flips = 0; fits && is_wanted && flips < 8; ++flips) {
      turn.flipped = {(flips & 1U) != 0, (flips & 2U) != 0, (flips & 4U) != 0};
      if (symmetries != Symmetries::kNone || flips == 0) {
        turns.push_back(turn);
      }
    }
  } while (std::ranges::next_permutation(turn.source).found);
  return turns;
}

void turn_voxels(std::span<const std::uint8_t> source, const media::VolumeShape& shape, const AxisTurn& turn_by,
                 std::span<std::uint8_t> target) {
  turn(source, shape, turn_by, target);
}

void turn_voxels(std::span<const std::uint16_t> source, const media::VolumeShape& shape, const AxisTurn& turn_by,
                 std::span<std::uint16_t> target) {
  turn(source, shape, turn_by, target);
}

}  // namespace lockstep::data
