#pragma once

#include <cstddef>
#include <cstdint>

namespace lockstep::metrics {

/// The size of a volume in voxels. Its voxels lie row by row, slice after slice: (depth, height, width).
struct VolumeShape {
  std::int64_t depth = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;

  std::int64_t voxels() const { return depth * height * width; }

  std::size_t at(std::int64_t z, std::int64_t y, std::int64_t x) const {
    return static_cast<std::size_t>((z * height + y) * width + x);
  }

  bool operator==(const VolumeShape&) const = default;
};

}  // namespace lockstep::metrics
