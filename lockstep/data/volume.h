#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "lockstep/media/volume.h"

namespace lockstep::data {

/// A voxel's place, or a box's first one; it may lie outside of a volume.
struct Place {
  std::int64_t z = 0;
  std::int64_t y = 0;
  std::int64_t x = 0;

  bool operator==(const Place&) const = default;
};

class VolumeHome;

/// A volume of a store, wherever its voxels are: in memory, in a mapped file, or in a file of which slices are decoded
/// when they are wanted. There is one copy for all threads and ranks.
class Volume {
 public:
  Volume(std::string name, const media::VolumeShape& shape, media::VoxelType type, std::unique_ptr<VolumeHome> home);
  ~Volume();
  Volume(Volume&&) noexcept;

  const std::string& name() const { return name_; }  ///< the file
  const media::VolumeShape& shape() const { return shape_; }
  media::VoxelType type() const { return type_; }

  /// Copies a box, (depth, height, width), to `target`, which is just as large. What lies outside of the volume gets
  /// the value `outside`. Voxels of 8 bits may be read as 16 bits, not the other way round. Thread-safe. Throws
  /// DataError where a slice cannot be decoded.
  void read(const Place& origin, const media::VolumeShape& box, std::uint8_t outside,
            std::span<std::uint8_t> target) const;
  void read(const Place& origin, const media::VolumeShape& box, std::uint16_t outside,
            std::span<std::uint16_t> target) const;

 private:
  std::string name_;
  media::VolumeShape shape_;
  media::VoxelType type_;
  std::unique_ptr<VolumeHome> home_;
};

}  // namespace lockstep::data
