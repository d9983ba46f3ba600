#pragma once

#include <libdeflate.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "lockstep/media/png_chunks.h"

namespace lockstep::test {

/// A PNG that is put together chunk by chunk, right or wrong.
class PngBuilder {
 public:
  using Bytes = std::vector<std::byte>;

  PngBuilder() {
    for (const char byte : std::string_view("\x89PNG\r\n\x1a\n")) {
      bytes_.push_back(static_cast<std::byte>(byte));
    }
  }

  PngBuilder& chunk(std::string_view type, std::span<const std::byte> data) {
    add_number(static_cast<std::uint32_t>(data.size()));
    const std::size_t checked = bytes_.size();
    for (const char letter : type) {
      bytes_.push_back(static_cast<std::byte>(letter));
    }
    bytes_.insert(bytes_.end(), data.begin(), data.end());
    add_number(libdeflate_crc32(0, bytes_.data() + checked, bytes_.size() - checked));
    return *this;
  }

  PngBuilder& header(std::uint32_t width, std::uint32_t height, int depth, media::PngColour colour, int interlace = 0) {
    Bytes data;
    for (const std::uint32_t side : {width, height}) {
      for (int shift = 24; shift >= 0; shift -= 8) {
        data.push_back(static_cast<std::byte>(side >> shift));
      }
    }
    for (const int value : {depth, static_cast<int>(colour), 0, 0, interlace}) {
      data.push_back(static_cast<std::byte>(value));
    }
    return chunk("IHDR", data);
  }

  PngBuilder& header(const media::PngLayout& layout) {
    return header(static_cast<std::uint32_t>(layout.width), static_cast<std::uint32_t>(layout.height), layout.depth,
                  layout.colour);
  }

  /// The rows, each behind the number of its filter, as one chunk.
  PngBuilder& rows(std::span<const std::byte> filtered) { return chunk("IDAT", deflated(filtered)); }

  PngBuilder& end() { return chunk("IEND", {}); }

  const Bytes& bytes() const { return bytes_; }

  static Bytes deflated(std::span<const std::byte> bytes) {
    const std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> compressor(
        libdeflate_alloc_compressor(1), &libdeflate_free_compressor);
    Bytes result(libdeflate_zlib_compress_bound(compressor.get(), bytes.size()));
    result.resize(libdeflate_zlib_compress(compressor.get(), bytes.data(), bytes.size(), result.data(), result.size()));
    return result;
  }

 private:
  void add_number(std::uint32_t number) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      bytes_.push_back(static_cast<std::byte>(number >> shift));
    }
  }

  Bytes bytes_;
};

/// Where the chunks of a PNG begin, and where the last whole one ends.
inline std::vector<std::size_t> chunk_borders(std::span<const std::byte> png) {
  std::vector<std::size_t> borders{8};
  while (borders.back() + 12 <= png.size()) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      length = length << 8 | std::to_integer<std::size_t>(png[borders.back() + i]);
    }
    if (length > png.size() - borders.back() - 12) {
      break;
    }
    borders.push_back(borders.back() + length + 12);
  }
  return borders;
}

/// Makes the check sums of a PNG's chunks right again, as far as its chunks can be followed.
inline void repair_checksums(std::vector<std::byte>& png) {
  const std::vector<std::size_t> borders = chunk_borders(png);
  for (std::size_t i = 0; i + 1 < borders.size(); ++i) {
    const std::size_t checked = borders[i] + 4;
    const std::size_t end = borders[i + 1] - 4;
    const std::uint32_t checksum = libdeflate_crc32(0, png.data() + checked, end - checked);
    for (std::size_t byte = 0; byte < 4; ++byte) {
      png[end + byte] = static_cast<std::byte>(checksum >> (24 - 8 * byte));
    }
  }
}

}  // namespace lockstep::test
