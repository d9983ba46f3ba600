#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lockstep/data/file_mapping.h"
#include "lockstep/data/slice_cache.h"
#include "lockstep/media/tiff.h"

namespace lockstep::data {

/// A file of slices, in the type of voxels that is wanted: labels of 16 bits become 8 bits, what does not fit 255.
class SliceFile {
 public:
  SliceFile(media::TiffVolume file, media::VoxelType type) : file_(std::move(file)), type_(type) {}

  const media::TiffVolume& file() const { return file_; }
  media::VoxelType type() const { return type_; }
  std::size_t slice_bytes() const {
    return static_cast<std::size_t>(file_.shape().slice_voxels()) * media::bytes_of(type_);
  }

  /// Whether all slices lie in the file as they are wanted.
  bool is_raw() const;

  /// Slices first … as many as `voxels` has room for.
  void read(std::int64_t first, std::span<std::byte> voxels) const;

 private:
  media::TiffVolume file_;
  media::VoxelType type_;
};

/// Where the voxels of a volume are.
class VolumeHome {
 public:
  virtual ~VolumeHome() = default;

  /// Thread-safe. Throws DataError where a slice cannot be decoded, and what `use` throws.
  virtual void with_slice(std::int64_t z, const SliceUse& use) const = 0;

  /// Reads slices into the memory of the home, if it has such memory, before anybody uses them.
  virtual void fill(std::int64_t /*first*/, std::int64_t /*count*/) {}
};

/// All slices are in memory.
std::unique_ptr<VolumeHome> make_resident_home(SliceFile file);

/// The file is mapped into memory; it must be raw. Null where the system does not allow it.
std::unique_ptr<VolumeHome> make_mapped_home(const SliceFile& file);

/// Slices are decoded when they are wanted; those of several homes have numbers of their own, from `first_number` on.
std::unique_ptr<VolumeHome> make_cached_home(SliceFile file, std::shared_ptr<SliceCache> cache,
                                             std::uint64_t first_number);

}  // namespace lockstep::data
