#include "lockstep/media/tiff.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/base/work_meter.h"
#include "lockstep/media/limits.h"
#include "lockstep/media/tiff_handle.h"

namespace lockstep::media {
namespace {

constexpr const char* kSaveAs = "save it as grey levels of 8 or 16 bits without sign, one slice a page";

std::string page_name(std::int64_t page, const std::string& name) { return text("page ", page + 1, " of ", name); }

/// A value of the page's header; libtiff's or ours where the page does not say.
template <typename Value>
Value field(TIFF* tiff, std::uint32_t tag, Value otherwise) {
  Value value{};
  return TIFFGetFieldDefaulted(tiff, tag, &value) == 1 ? value : otherwise;
}

/// The names of the codings that users meet; libtiff may have been built without some.
std::string compression_name(std::uint16_t compression) {
  constexpr std::array<std::pair<int, const char*>, 9> kNames{{{COMPRESSION_CCITTRLE, "CCITT"},
                                                               {COMPRESSION_CCITTFAX3, "CCITT group 3"},
                                                               {COMPRESSION_CCITTFAX4, "CCITT group 4"},
                                                               {COMPRESSION_OJPEG, "old JPEG"},
                                                               {COMPRESSION_JPEG, "JPEG"},
                                                               {COMPRESSION_LZMA, "LZMA"},
                                                               {COMPRESSION_ZSTD, "Zstandard"},
                                                               {COMPRESSION_WEBP, "WebP"},
                                                               {34712, "JPEG 2000"}}};
  const auto* found = std::ranges::find(kNames, compression, &std::pair<int, const char*>::first);
  return found == kNames.end() ? text("of kind ", compression) : found->second;
}

/// What a page's header says, as far as it matters here.
class PageHeader {
 public:
  PageHeader(TIFF* tiff, std::string name) : tiff_(tiff), name_(std::move(name)) {}

  std::uint32_t width() const { return field<std::uint32_t>(tiff_, TIFFTAG_IMAGEWIDTH, 0); }
  std::uint32_t height() const { return field<std::uint32_t>(tiff_, TIFFTAG_IMAGELENGTH, 0); }
  std::uint16_t bits() const { return field<std::uint16_t>(tiff_, TIFFTAG_BITSPERSAMPLE, 1); }
  std::uint16_t compression() const { return field<std::uint16_t>(tiff_, TIFFTAG_COMPRESSION, COMPRESSION_NONE); }

  /// Throws DataError where the page is none that is read here, and for absurd sizes.
  void check() const {
    check_size(width(), height(), name_);
    check_kind();
    const std::uint16_t coding = compression();
    if (coding != COMPRESSION_NONE && coding != COMPRESSION_LZW && coding != COMPRESSION_DEFLATE &&
        coding != COMPRESSION_ADOBE_DEFLATE && coding != COMPRESSION_PACKBITS) {
      throw DataError(text(name_, " is compressed by a coding (", compression_name(coding), ") that is not read here"),
                      "save it without compression, or with LZW, deflate or PackBits");
    }
    if (width() == 0 || height() == 0) {
      throw unreadable("TIFF", "a side of 0", name_);
    }
  }

  /// Throws DataError where the file ends before the page's voxels do, or has fewer bytes of them than they can be
  /// made of: before memory is taken for them.
  void check_length(std::uint64_t file_bytes) const {
    if (TIFFIsTiled(tiff_) != 0) {
      check_size(field<std::uint32_t>(tiff_, TIFFTAG_TILEWIDTH, 0), field<std::uint32_t>(tiff_, TIFFTAG_TILELENGTH, 0),
                 "a tile of " + name_);
    }
    const std::uint32_t strips = strip_count();
    std::uint64_t stored = 0;
    for (std::uint32_t i = 0; i < strips; ++i) {
      const std::uint64_t offset = TIFFGetStrileOffset(tiff_, i);
      const std::uint64_t count = TIFFGetStrileByteCount(tiff_, i);
      if (offset > file_bytes || count > file_bytes - offset) {
        throw unreadable("TIFF", text("the file ends at byte ", file_bytes, ", its voxels do not"), name_);
      }
      stored += count;
    }
    if (decoded_bytes() / most_from_a_byte() > stored) {
      throw unreadable("TIFF", "too short for its size", name_);
    }
  }

  /// The most bytes that one byte of this page's data can become.
  std::uint64_t most_from_a_byte() const {
    switch (compression()) {
      case COMPRESSION_NONE:
        return 1;
      case COMPRESSION_PACKBITS:
        return 64;  // two bytes stand for up to 128
      case COMPRESSION_LZW:
        return 2731;  // a code of 12 bits stands for up to 4096
      default:
        return 1032;  // as is_too_short
    }
  }

  std::optional<std::uint64_t> raw_offset() const {
    const bool in_order = bits() == 8 || TIFFIsByteSwapped(tiff_) == 0;
    const bool bits_in_order = field<std::uint16_t>(tiff_, TIFFTAG_FILLORDER, FILLORDER_MSB2LSB) == FILLORDER_MSB2LSB;
    const std::uint64_t first = TIFFGetStrileOffset(tiff_, 0);
    if (compression() != COMPRESSION_NONE || TIFFIsTiled(tiff_) != 0 || !in_order || !bits_in_order ||
        first % (bits() / 8U) != 0) {
      return std::nullopt;
    }
    std::uint64_t next = first;
    for (std::uint32_t i = 0; i < strip_count(); ++i) {
      if (TIFFGetStrileOffset(tiff_, i) != next) {
        return std::nullopt;
      }
      next += TIFFGetStrileByteCount(tiff_, i);
    }
    return next - first == decoded_bytes() ? std::optional(first) : std::nullopt;
  }

  /// The slices that ImageJ says it has written.
  std::int64_t images_of_imagej() const {
    const char* words = nullptr;
    if (TIFFGetField(tiff_, TIFFTAG_IMAGEDESCRIPTION, &words) != 1 || std::strncmp(words, "ImageJ=", 7) != 0) {
      return 1;
    }
    constexpr std::string_view kImages = "\nimages=";
    const std::string_view description(words);
    const std::size_t found = description.find(kImages);
    std::int64_t images = 1;
    if (found != std::string_view::npos) {
      std::from_chars(words + found + kImages.size(), words + description.size(), images);
    }
    return images;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const { throw DataError(text(name_, " ", what), kSaveAs); }

  void check_kind() const {
    const auto samples = field<std::uint16_t>(tiff_, TIFFTAG_SAMPLESPERPIXEL, 1);
    const auto photometric = field<std::uint16_t>(tiff_, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
    const auto format = field<std::uint16_t>(tiff_, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
    if (photometric == PHOTOMETRIC_PALETTE) {
      refuse("has a palette of colours");
    }
    if (samples != 1) {
      refuse(text("has colours or other channels (", samples, " values a voxel)"));
    }
    if (photometric == PHOTOMETRIC_MINISWHITE) {
      refuse("has inverted grey levels (0 is white)");
    }
    if (photometric != PHOTOMETRIC_MINISBLACK) {
      refuse(text("has no grey levels (photometric interpretation ", photometric, ")"));
    }
    if (format == SAMPLEFORMAT_INT) {
      refuse("has values with a sign");
    }
    if (format == SAMPLEFORMAT_IEEEFP) {
      refuse("has floating-point values");
    }
    if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID) {
      refuse("has complex values");
    }
    if (bits() != 8 && bits() != 16) {
      refuse(text("has ", bits(), " bits a voxel"));
    }
    if (field<std::uint32_t>(tiff_, TIFFTAG_IMAGEDEPTH, 1) != 1) {
      refuse("has several slices in one page");
    }
  }

  std::uint32_t strip_count() const {
    return TIFFIsTiled(tiff_) != 0 ? TIFFNumberOfTiles(tiff_) : TIFFNumberOfStrips(tiff_);
  }

  /// Of the page, or of all its tiles, which reach beyond it.
  std::uint64_t decoded_bytes() const {
    return TIFFIsTiled(tiff_) != 0 ? TIFFTileSize64(tiff_) * TIFFNumberOfTiles(tiff_)
                                   : std::uint64_t{width()} * height() * (bits() / 8U);
  }

  TIFF* tiff_;
  std::string name_;
};

bool read_strips(TIFF* tiff, std::span<std::byte> voxels) {
  const std::uint32_t strips = TIFFNumberOfStrips(tiff);
  const auto strip_bytes = static_cast<std::size_t>(TIFFStripSize64(tiff));
  for (std::uint32_t strip = 0; strip < strips; ++strip) {
    const std::span<std::byte> rest = voxels.subspan(std::min(voxels.size(), strip * strip_bytes));
    const auto count = static_cast<tmsize_t>(std::min(rest.size(), strip_bytes));
    if (TIFFReadEncodedStrip(tiff, strip, rest.data(), count) != count) {
      return false;
    }
  }
  return true;
}

bool read_tiles(TIFF* tiff, const VolumeShape& shape, std::size_t voxel_bytes, std::span<std::byte> voxels) {
  const std::size_t tile_width = field<std::uint32_t>(tiff, TIFFTAG_TILEWIDTH, 1);
  const std::size_t tile_height = field<std::uint32_t>(tiff, TIFFTAG_TILELENGTH, 1);
  const auto width = static_cast<std::size_t>(shape.width);
  const auto height = static_cast<std::size_t>(shape.height);
  std::vector<std::byte> tile(static_cast<std::size_t>(TIFFTileSize64(tiff)));
  std::uint32_t number = 0;
  for (std::size_t y = 0; y < height; y += tile_height) {
    for (std::size_t x = 0; x < width; x += tile_width, ++number) {
      const auto count = static_cast<tmsize_t>(tile.size());
      if (TIFFReadEncodedTile(tiff, number, tile.data(), count) != count) {
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
    const PageHeader header(tiff.get(), page);
    header.check();
    add_page(header.width(), header.height(), header.bits(), page);
    header.check_length(bytes->size());
    pages_.push_back({TIFFCurrentDirOffset(tiff.get()), header.raw_offset()});
    images = std::max(images, header.images_of_imagej());
    most_from_a_byte = std::max(most_from_a_byte, header.most_from_a_byte());
  } while (TIFFLastDirectory(tiff.get()) == 0);
  shape_.depth = static_cast<std::int64_t>(pages_.size());
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
    const PageHeader header(tiff.get(), page);
    header.check();
    header.check_length(bytes->size());
    if (header.width() != shape_.width || header.height() != shape_.height || header.bits() != 8 * bytes_of(type_)) {
      throw DataError(text(page, " is another one than when the run began"), "start the run anew");
    }
    const std::span<std::byte> slice = voxels.subspan(static_cast<std::size_t>(i) * slice_bytes, slice_bytes);
    const bool is_read = TIFFIsTiled(tiff.get()) != 0 ? read_tiles(tiff.get(), shape_, bytes_of(type_), slice)
                                                      : read_strips(tiff.get(), slice);
    if (!is_read) {
      fail(*bytes, page);
    }
  }
}

}  // namespace lockstep::media
