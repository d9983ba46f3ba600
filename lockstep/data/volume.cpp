#include "lockstep/data/volume.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/data/volume_home.h"

namespace lockstep::data {
namespace {

/// The part of lengths 0 … size - 1 from `origin` on that lies in 0 … side - 1.
struct Overlap {
  std::int64_t begin;
  std::int64_t end;
};

Overlap overlap(std::int64_t origin, std::int64_t size, std::int64_t side) {
  const std::int64_t begin = std::clamp<std::int64_t>(-origin, 0, size);
  return {begin, std::clamp<std::int64_t>(side - origin, begin, size)};
}

template <typename Target>
struct SliceCopy {
  const media::VolumeShape& shape;  ///< of the volume
  const Place& origin;
  const media::VolumeShape& box;
  Target outside;

  template <typename Source>
  void copy(const Source* slice, Target* target) const {
    const Overlap rows = overlap(origin.y, box.height, shape.height);
    const Overlap columns = overlap(origin.x, box.width, shape.width);
    std::fill_n(target, rows.begin * box.width, outside);
    for (std::int64_t y = rows.begin; y < rows.end; ++y) {
      Target* row = target + y * box.width;
      const Source* source = slice + (origin.y + y) * shape.width + origin.x;
      std::fill_n(row, columns.begin, outside);
      std::copy(source + columns.begin, source + columns.end, row + columns.begin);
      std::fill(row + columns.end, row + box.width, outside);
    }
    std::fill(target + rows.end * box.width, target + box.slice_voxels(), outside);
  }

  void run(const VolumeHome& home, media::VoxelType type, Target* target) const {
    for (std::int64_t z = 0; z < box.depth; ++z, target += box.slice_voxels()) {
      if (origin.z + z < 0 || origin.z + z >= shape.depth) {
        std::fill_n(target, box.slice_voxels(), outside);
        continue;
      }
      home.with_slice(origin.z + z, [&](const std::byte* slice) {
        if (type == media::VoxelType::kUInt8) {
          copy(reinterpret_cast<const std::uint8_t*>(slice), target);
        } else if constexpr (sizeof(Target) == 2) {
          copy(reinterpret_cast<const std::uint16_t*>(slice), target);
        }
      });
    }
  }
};

}  // namespace

Volume::Volume(std::string name, const media::VolumeShape& shape, media::VoxelType type,
               std::unique_ptr<VolumeHome> home)
    : name_(std::move(name)), shape_(shape), type_(type), home_(std::move(home)) {}
Volume::~Volume() = default;
Volume::Volume(Volume&&) noexcept = default;

void Volume::read(const Place& origin, const media::VolumeShape& box, std::uint8_t outside,
                  std::span<std::uint8_t> target) const {
  LOCKSTEP_ASSERT(type_ == media::VoxelType::kUInt8, "voxels of 16 bits are not read as 8 bits");
  LOCKSTEP_ASSERT(static_cast<std::int64_t>(target.size()) == box.voxels(), "room for another box");
  SliceCopy<std::uint8_t>{shape_, origin, box, outside}.run(*home_, type_, target.data());
}

void Volume::read(const Place& origin, const media::VolumeShape& box, std::uint16_t outside,
                  std::span<std::uint16_t> target) const {
  LOCKSTEP_ASSERT(static_cast<std::int64_t>(target.size()) == box.voxels(), "room for another box");
  SliceCopy<std::uint16_t>{shape_, origin, box, outside}.run(*home_, type_, target.data());
}

}  // namespace lockstep::data
