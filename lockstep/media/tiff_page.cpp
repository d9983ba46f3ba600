#include "lockstep/media/tiff_page.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string_view>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/media/limits.h"

namespace lockstep::media {
namespace {

constexpr const char* kSaveAs = "save it as grey levels of 8 or 16 bits without sign, one slice a page";

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

}  // namespace

std::uint16_t TiffPage::compression() const {
  return tiff_field<std::uint16_t>(tiff_, TIFFTAG_COMPRESSION, COMPRESSION_NONE);
}

void TiffPage::check() const {
  check_size(width(), height(), name_);
  check_kind();
  check_compression();
  if (width() == 0 || height() == 0) {
    throw unreadable("TIFF", "a side of 0", name_);
  }
}

void TiffPage::refuse(const std::string& what) const { throw DataError(text(name_, " ", what), kSaveAs); }

void TiffPage::check_kind() const {
  const auto samples = tiff_field<std::uint16_t>(tiff_, TIFFTAG_SAMPLESPERPIXEL, 1);
  const auto photometric = tiff_field<std::uint16_t>(tiff_, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
  const auto format = tiff_field<std::uint16_t>(tiff_, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
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
  if (tiff_field<std::uint16_t>(tiff_, TIFFTAG_FILLORDER, FILLORDER_MSB2LSB) != FILLORDER_MSB2LSB) {
    refuse("has the bits of its bytes in reverse order");
  }
  if (tiff_field<std::uint32_t>(tiff_, TIFFTAG_IMAGEDEPTH, 1) != 1) {
    refuse("has several slices in one page");
  }
}

void TiffPage::check_compression() const {
  const std::uint16_t coding = compression();
  if (coding != COMPRESSION_NONE && coding != COMPRESSION_LZW && coding != COMPRESSION_PACKBITS && !is_deflated()) {
    throw DataError(text(name_, " is compressed by a coding (", compression_name(coding), ") that is not read here"),
                    "save it without compression, or with LZW, deflate or PackBits");
  }
}

void TiffPage::check_length(std::uint64_t file_bytes) const {
  if (TIFFIsTiled(tiff_) != 0) {
    check_size(tiff_field<std::uint32_t>(tiff_, TIFFTAG_TILEWIDTH, 0),
               tiff_field<std::uint32_t>(tiff_, TIFFTAG_TILELENGTH, 0), "a tile of " + name_);
  }
  const std::uint32_t strips = piece_count();
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

std::uint64_t TiffPage::most_from_a_byte() const {
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

std::optional<std::uint64_t> TiffPage::raw_offset() const {
  const bool in_order = bits() == 8 || TIFFIsByteSwapped(tiff_) == 0;
  const std::uint64_t first = TIFFGetStrileOffset(tiff_, 0);
  if (compression() != COMPRESSION_NONE || TIFFIsTiled(tiff_) != 0 || !in_order || first % (bits() / 8U) != 0) {
    return std::nullopt;
  }
  std::uint64_t next = first;
  for (std::uint32_t i = 0; i < piece_count(); ++i) {
    if (TIFFGetStrileOffset(tiff_, i) != next) {
      return std::nullopt;
    }
    next += TIFFGetStrileByteCount(tiff_, i);
  }
  return next - first == decoded_bytes() ? std::optional(first) : std::nullopt;
}

std::int64_t TiffPage::images_of_imagej() const {
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

/// Strips or tiles.
std::uint32_t TiffPage::piece_count() const {
  return TIFFIsTiled(tiff_) != 0 ? TIFFNumberOfTiles(tiff_) : TIFFNumberOfStrips(tiff_);
}

/// Of the page, or of all its tiles, which reach beyond it.
std::uint64_t TiffPage::decoded_bytes() const {
  return TIFFIsTiled(tiff_) != 0 ? TIFFTileSize64(tiff_) * TIFFNumberOfTiles(tiff_)
                                 : std::uint64_t{width()} * height() * (bits() / 8U);
}

bool has_all_of_directory(TiffBytes& bytes, TIFF* tiff) {
  const bool is_big_tiff = TIFFIsBigTIFF(tiff) != 0;
  std::array<std::byte, 8> count{};
  const std::uint64_t begin = TIFFCurrentDirOffset(tiff);
  const std::span<std::byte> count_bytes = std::span(count).first(is_big_tiff ? 8 : 2);
  bytes.read(begin, count_bytes);
  if (TIFFIsBigEndian(tiff) != 0) {
    std::ranges::reverse(count_bytes);
  }
  std::uint64_t entries = 0;
  for (std::size_t i = 0; i < count_bytes.size(); ++i) {
    entries |= std::to_integer<std::uint64_t>(count_bytes[i]) << (8 * i);
  }
  const std::uint64_t behind_entries = begin + count_bytes.size() + entries * (is_big_tiff ? 20 : 12);
  return behind_entries + (is_big_tiff ? 8 : 4) <= bytes.size();
}

}  // namespace lockstep::media
