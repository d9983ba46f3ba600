#pragma once

#include <cstdint>
#include <span>

#include "lockstep/media/volume.h"

namespace lockstep::data {

// A box of voxels is brought to another shape: the middle of voxel i of `to` along an axis lies at
// (i + 1/2) · from / to - 1/2 in `from`, as in torch.nn.functional.interpolate with align_corners=False, and nothing
// outside of the box is looked at.

/// Which voxel of `from` lies under the middle of voxel `place` of `to`.
constexpr std::int64_t nearest_place(std::int64_t place, std::int64_t from, std::int64_t to) {
  return (2 * place + 1) * from / (2 * to);
}

/// Linear in all three axes between the middles of voxels, rounded. Neither span may overlap with the other.
void zoom_voxels(std::span<const std::uint8_t> source, const media::VolumeShape& from, std::span<std::uint8_t> target,
                 const media::VolumeShape& to);
void zoom_voxels(std::span<const std::uint16_t> source, const media::VolumeShape& from, std::span<std::uint16_t> target,
                 const media::VolumeShape& to);

/// The voxel of nearest_place: for labels.
void zoom_labels(std::span<const std::uint8_t> source, const media::VolumeShape& from, std::span<std::uint8_t> target,
                 const media::VolumeShape& to);

}  // namespace lockstep::data
