#pragma once

#include <cstddef>
#include <cstdint>

namespace lockstep::media {

/// The values that the voxels of a volume have.
enum class VoxelType : std::uint8_t { kUInt8, kUInt16 };

constexpr std::size_t bytes_of(VoxelType type) { return type == VoxelType::kUInt8 ? 1 : 2; }

/// The sides of a volume in voxels. Voxels lie in the order (depth, height, width).
struct VolumeShape {
  std::int64_t depth = 0;  ///< slices, the pages of a file
  std::int64_t height = 0;
  std::int64_t width = 0;

  std::int64_t slice_voxels() const { return height * width; }
  std::int64_t voxels() const { return depth * height * width; }

  /// The number of a voxel in that order.
  std::size_t at(std::int64_t z, std::int64_t y, std::int64_t x) const {
    return static_cast<std::size_t>((z * height + y) * width + x);
  }

  bool operator==(const VolumeShape&) const = default;
};

}  // namespace lockstep::media
