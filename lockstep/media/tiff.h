#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lockstep/media/volume.h"

namespace lockstep::media {

/// A volume in a TIFF file, one slice a page: grey voxels of 8 or 16 bits without sign, raw, LZW, deflate or PackBits,
/// in strips or tiles, in either byte order, TIFF or BigTIFF. Only what the headers of the pages say is kept, the file
/// is open no longer than a call lasts; so several threads can read at once, and there may be any number of files.
class TiffVolume {
 public:
  /// Reads the headers of all pages. Throws DataError, naming file and page, where the file is truncated or none that
  /// is read here: colours, a palette, floating point, signs, pages that differ in shape, another compression, absurd
  /// sizes.
  explicit TiffVolume(std::filesystem::path path);

  /// The same of a file in memory, which must outlive this; `name` is for messages.
  TiffVolume(std::span<const std::byte> bytes, std::string name);

  const std::string& name() const { return name_; }
  const VolumeShape& shape() const { return shape_; }
  VoxelType type() const { return type_; }

  /// Bytes of the decoded voxels.
  std::uint64_t bytes() const { return static_cast<std::uint64_t>(shape_.voxels()) * bytes_of(type_); }

  /// Decodes slices first … first + count - 1 into (count, height, width) voxels in this machine's byte order, which is
  /// all that `voxels` has room for. Thread-safe. Throws DataError naming file and page.
  void read_slices(std::int64_t first, std::int64_t count, std::span<std::byte> voxels) const;

  /// Where in the file the voxels of a slice lie just as read_slices gives them, aligned, so that they can be mapped
  /// into memory; nothing for a slice that has to be decoded.
  std::optional<std::uint64_t> raw_offset(std::int64_t slice) const;

 private:
  struct Page {
    std::uint64_t directory;           ///< where its header lies
    std::optional<std::uint64_t> raw;  ///< where its voxels lie
  };

  void read_headers();
  void add_page(std::uint32_t width, std::uint32_t height, std::uint16_t bits, const std::string& page);

  std::filesystem::path path_;  ///< empty: in memory
  std::span<const std::byte> in_memory_;
  std::string name_;
  VolumeShape shape_;
  VoxelType type_ = VoxelType::kUInt8;
  std::vector<Page> pages_;
};

enum class TiffCompression : std::uint8_t { kNone, kLzw, kDeflate };

/// Makes a TIFF file of 8-bit grey slices, one a page. The bytes depend on what is put in alone.
class TiffEncoder {
 public:
  TiffEncoder(const VolumeShape& shape, TiffCompression compression);
  ~TiffEncoder();
  TiffEncoder(const TiffEncoder&) = delete;
  TiffEncoder& operator=(const TiffEncoder&) = delete;

  /// The next slices, whole ones: (count, height, width). Throws MachineError where there is no memory.
  void put(std::span<const std::uint8_t> slices);

  /// The file, once all slices of the shape are put.
  std::vector<std::byte> finish();

 private:
  struct State;

  std::unique_ptr<State> state_;
};

/// Writes a volume, (depth, height, width) uint8, so that at any moment either the old or the whole new file is there.
/// Throws MachineError as AtomicFile does.
void write_tiff(const std::filesystem::path& path, std::span<const std::uint8_t> voxels, const VolumeShape& shape,
                TiffCompression compression = TiffCompression::kDeflate);

}  // namespace lockstep::media
