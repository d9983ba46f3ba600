#include "lockstep/media/tiff.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/base/work_meter.h"
#include "lockstep/media/limits.h"
#include "lockstep/media/tiff_deflate.h"
#include "lockstep/media/tiff_handle.h"
#include "lockstep/media/tiff_page.h"

namespace lockstep::media {
namespace {

std::string page_name(std::int64_t page, const std::string& name) { return text("page ", page + 1, " of ", name); }

/// A strip or tile. What a decoder should leave out is 0, not what was in the memory before.
bool read_piece(TIFF* tiff, std::uint32_t piece, const PieceLayout& layout, std::span<std::byte> voxels,
                TiffBytes& bytes) {
  if (TiffPage(tiff, {}).is_deflated()) {
    return read_deflated(tiff, piece, layout, voxels, bytes);
  }
  std::ranges::fill(voxels, std::byte{0});
  const auto count = static_cast<tmsize_t>(voxels.size());
  const auto read = TIFFIsTiled(tiff) != 0 ? TIFFReadEncodedTile : TIFFReadEncodedStrip;
  return read(tiff, piece, voxels.data(), count) == count;
}

bool read_strips(TIFF* tiff, const VolumeShape& shape, std::size_t voxel_bytes, std::span<std::byte> voxels,
                 TiffBytes& bytes) {
  const std::uint32_t strips = TIFFNumberOfStrips(tiff);
  const auto strip_bytes = static_cast<std::size_t>(TIFFStripSize64(tiff));
  const PieceLayout layout{static_cast<std::size_t>(shape.width), voxel_bytes, strip_bytes};
  for (std::uint32_t strip = 0; strip < strips; ++strip) {
    const std::span<std::byte> rest = voxels.subspan(std::min(voxels.size(), strip * strip_bytes));
    if (!read_piece(tiff, strip, layout, rest.first(std::min(rest.size(), strip_bytes)), bytes)) {
      return false;
    }
  }
  return true;
}

bool read_tiles(TIFF* tiff, const VolumeShape& shape, std::size_t voxel_bytes, std::span<std::byte> voxels,
                TiffBytes& bytes) {
  const std::size_t tile_width = tiff_field<std::uint32_t>(tiff, TIFFTAG_TILEWIDTH, 1);
  const std::size_t tile_height = tiff_field<std::uint32_t>(tiff, TIFFTAG_TILELENGTH, 1);
  const auto width = static_cast<std::size_t>(shape.width);
  const auto height = static_cast<std::size_t>(shape.height);
  std::vector<std::byte> tile(static_cast<std::size_t>(TIFFTileSize64(tiff)));
  const PieceLayout layout{tile_width, voxel_bytes, tile.size()};
  std::uint32_t number = 0;
  for (std::size_t y = 0; y < height; y += tile_height) {
    for (std::size_t x = 0; x < width; x += tile_width, ++number) {
      if (!read_piece(tiff, number, layout, tile, bytes)) {
        return false;
      }
      const std::size_t row_bytes = std::min(tile_width, width - x) * voxel_bytes;
      for (std::size_t row = 0; row < std::min(tile_height, height - y); ++row) {
        std::memcpy(voxels.data() + ((y + row) * width + x) * voxel_bytes, tile.data() + row * tile_width * voxel_bytes,
                    row_bytes);
      }
    }
  }
  return true;
}

void check_magic(TiffBytes& bytes, const std::string& name) {
  std::array<std::byte, 4> magic{};
  if (bytes.size() == 0) {
    throw DataError(name + " is empty", "restore the file or remove it");
  }
  const std::size_t count = bytes.read(0, magic);
  const auto is = [&](const char* expected) { return count == 4 && std::memcmp(magic.data(), expected, 4) == 0; };
  if (!is("II*\0") && !is("MM\0*") && !is("II+\0") && !is("MM\0+")) {
    throw DataError(name + " is not a TIFF file, whatever its name says", "convert it to TIFF or remove it");
  }
}

/// What went wrong in libtiff.
[[noreturn]] void fail(const TiffBytes& bytes, const std::string& name) {
  if (bytes.exception) {
    std::rethrow_exception(bytes.exception);
  }
  throw unreadable("TIFF", bytes.message.empty() ? "an unknown error" : bytes.message, name);
}

std::unique_ptr<TiffBytes> open_bytes(const std::filesystem::path& path, std::span<const std::byte> in_memory) {
  if (path.empty()) {
    return std::make_unique<TiffMemoryBytes>(in_memory);
  }
  return std::make_unique<TiffFileBytes>(path);
}

/// Read-only; headers are read when we say; no mapping; strips as they are in the file.
constexpr const char* kReading = "rhmc";

}  // namespace

TiffVolume::TiffVolume(std::filesystem::path path) : path_(std::move(path)), name_(path_.string()) { read_headers(); }

TiffVolume::TiffVolume(std::span<const std::byte> bytes, std::string name) : in_memory_(bytes), name_(std::move(name)) {
  read_headers();
}

void TiffVolume::read_headers() {
  const std::unique_ptr<TiffBytes> bytes = open_bytes(path_, in_memory_);
  check_magic(*bytes, name_);
  const TiffHandle tiff = open_tiff(*bytes, kReading);
  if (tiff == nullptr) {
    fail(*bytes, name_);
  }
  std::int64_t images = 1;
  std::uint64_t most_from_a_byte = 1;
  do {
    const std::string page = page_name(static_cast<std::int64_t>(pages_.size()), name_);
    if (pages_.size() == kMaxDimension) {
      throw DataError(text(name_, " has more than ", kMaxDimension, " pages"), "cut the volume into smaller ones");
    }
    bytes->message.clear();
    if (TIFFReadDirectory(tiff.get()) != 1) {
      fail(*bytes, page);
    }
    const TiffPage header(tiff.get(), page);
    header.check();
    add_page(header.width(), header.height(), header.bits(), page);
    header.check_length(bytes->size());
    pages_.push_back({TIFFCurrentDirOffset(tiff.get()), header.raw_offset()});
    images = std::max(images, header.images_of_imagej());
    most_from_a_byte = std::max(most_from_a_byte, header.most_from_a_byte());
  } while (TIFFLastDirectory(tiff.get()) == 0);
  shape_.depth = static_cast<std::int64_t>(pages_.size());
  if (!has_all_of_directory(*bytes, tiff.get())) {
    throw unreadable("TIFF", "the file ends in a header", page_name(shape_.depth - 1, name_));
  }
  if (this->bytes() / most_from_a_byte > bytes->size()) {  // pages may share their voxels
    throw unreadable("TIFF", "too short for its size", name_);
  }
  if (pages_.size() == 1 && images > 1) {
    throw DataError(text(name_, " says that it has ", images,
                         " slices, but there is one page (ImageJ writes volumes of "
                         "more than 4 GiB so)"),
                    "save it as BigTIFF with one page a slice");
  }
}

/// The first page says what the others have to be.
void TiffVolume::add_page(std::uint32_t width, std::uint32_t height, std::uint16_t bits, const std::string& page) {
  const VolumeShape slice{0, height, width};
  const VoxelType type = bits == 8 ? VoxelType::kUInt8 : VoxelType::kUInt16;
  if (pages_.empty()) {
    shape_ = slice;
    type_ = type;
  } else if (slice != shape_ || type != type_) {
    throw DataError(text(page, " has ", height, "x", width, " voxels of ", bits, " bits, but page 1 has ",
                         shape_.height, "x", shape_.width, " of ", 8 * bytes_of(type_)),
                    "all pages of a volume must be alike: save the slices alone, without thumbnails or other pictures");
  }
}

std::optional<std::uint64_t> TiffVolume::raw_offset(std::int64_t slice) const {
  return pages_.at(static_cast<std::size_t>(slice)).raw;
}

void TiffVolume::read_slices(std::int64_t first, std::int64_t count, std::span<std::byte> voxels) const {
  const std::size_t slice_bytes = static_cast<std::size_t>(shape_.slice_voxels()) * bytes_of(type_);
  LOCKSTEP_ASSERT(first >= 0 && count >= 0 && first + count <= shape_.depth, "slices that the volume does not have");
  LOCKSTEP_ASSERT(voxels.size() == slice_bytes * static_cast<std::size_t>(count), "room for other slices");
  const WorkScope work("decode");
  const std::unique_ptr<TiffBytes> bytes = open_bytes(path_, in_memory_);
  const TiffHandle tiff = open_tiff(*bytes, kReading);
  if (tiff == nullptr) {
    fail(*bytes, name_);
  }
  for (std::int64_t i = 0; i < count; ++i) {
    const std::string page = page_name(first + i, name_);
    bytes->message.clear();
    if (TIFFSetSubDirectory(tiff.get(), pages_[static_cast<std::size_t>(first + i)].directory) != 1) {
      fail(*bytes, page);
    }
    const TiffPage header(tiff.get(), page);
    header.check();
    header.check_length(bytes->size());
    if (header.width() != shape_.width || header.height() != shape_.height || header.bits() != 8 * bytes_of(type_)) {
      throw DataError(text(page, " is another one than when the run began"), "start the run anew");
    }
    const std::span<std::byte> slice = voxels.subspan(static_cast<std::size_t>(i) * slice_bytes, slice_bytes);
    const auto read = TIFFIsTiled(tiff.get()) != 0 ? read_tiles : read_strips;
    const bool is_read = read(tiff.get(), shape_, bytes_of(type_), slice, *bytes);
    if (!is_read) {
      fail(*bytes, page);
    }
  }
}

}  // namespace lockstep::media
