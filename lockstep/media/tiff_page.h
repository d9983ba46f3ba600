#pragma once

#include <tiffio.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "lockstep/media/tiff_handle.h"

namespace lockstep::media {

/// A value of the page's header; libtiff's or ours where the page does not say.
template <typename Value>
Value tiff_field(TIFF* tiff, std::uint32_t tag, Value otherwise) {
  Value value{};
  return TIFFGetFieldDefaulted(tiff, tag, &value) == 1 ? value : otherwise;
}

/// What the header of libtiff's current page says, as far as it matters for a volume. `name` is for messages.
class TiffPage {
 public:
  TiffPage(TIFF* tiff, std::string name) : tiff_(tiff), name_(std::move(name)) {}

  std::uint32_t width() const { return tiff_field<std::uint32_t>(tiff_, TIFFTAG_IMAGEWIDTH, 0); }
  std::uint32_t height() const { return tiff_field<std::uint32_t>(tiff_, TIFFTAG_IMAGELENGTH, 0); }
  std::uint16_t bits() const { return tiff_field<std::uint16_t>(tiff_, TIFFTAG_BITSPERSAMPLE, 1); }

  bool is_deflated() const {
    return compression() == COMPRESSION_DEFLATE || compression() == COMPRESSION_ADOBE_DEFLATE;
  }

  /// Throws DataError where the page is none that is read here, and for absurd sizes.
  void check() const;

  /// Throws DataError where the file ends before the page's voxels do, or has fewer bytes of them than they can be
  /// made of: before memory is taken for them.
  void check_length(std::uint64_t file_bytes) const;

  /// The most bytes that one byte of this page's data can become.
  std::uint64_t most_from_a_byte() const;

  /// Where in the file the voxels lie in one piece, in this machine's byte order and aligned; nothing if they do not.
  std::optional<std::uint64_t> raw_offset() const;

  /// The slices that ImageJ says it has written; 1 where it was not ImageJ.
  std::int64_t images_of_imagej() const;

 private:
  [[noreturn]] void refuse(const std::string& what) const;
  void check_kind() const;
  void check_compression() const;
  std::uint16_t compression() const;
  std::uint32_t piece_count() const;
  std::uint64_t decoded_bytes() const;

  TIFF* tiff_;
  std::string name_;
};

/// Whether the file has all of the current page's header, which ends in the place of the next one: libtiff takes a
/// header whose end is lost for the last one.
bool has_all_of_directory(TiffBytes& bytes, TIFF* tiff);

}  // namespace lockstep::media
