#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "lockstep/data/patch_options.h"
#include "lockstep/media/volume.h"

namespace lockstep::data {

/// One of the 48 symmetries of the cube: axis i of what is turned runs along axis source[i] of what it is made from,
/// backwards if flipped[i].
struct AxisTurn {
  std::array<int, 3> source{0, 1, 2};
  std::array<bool, 3> flipped{};

  bool operator==(const AxisTurn&) const = default;
};

/// Those of the symmetries that keep a patch of that shape; the first one changes nothing.
std::vector<AxisTurn> turns_of(Symmetries symmetries, const media::VolumeShape& patch);

/// Turns voxels (depth, height, width); the turn must keep the shape. Neither may overlap with the other.
void turn_voxels(std::span<const std::uint8_t> source, const media::VolumeShape& shape, const AxisTurn& turn,
                 std::span<std::uint8_t> target);
void turn_voxels(std::span<const std::uint16_t> source, const media::VolumeShape& shape, const AxisTurn& turn,
                 std::span<std::uint16_t> target);

}  // namespace lockstep::data
