#include "lockstep/media/exif.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lockstep::media {
namespace {

using Bytes = std::span<const std::byte>;

bool begins_with(Bytes bytes, std::string_view text) {
  return bytes.size() >= text.size() && std::equal(text.begin(), text.end(), bytes.begin(), [](char a, std::byte b) {
           return static_cast<unsigned char>(a) == std::to_integer<unsigned>(b);
         });
}

/// The part from an offset on; empty where the bytes end before it.
Bytes from(Bytes bytes, std::size_t offset) { return bytes.subspan(std::min(offset, bytes.size())); }

/// Reads unsigned integers, either end first; nothing where the bytes end before.
class IntegerReader {
 public:
  IntegerReader(Bytes bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  std::optional<std::uint32_t> read(std::size_t offset, std::size_t count) const {
    if (offset > bytes_.size() || count > bytes_.size() - offset) {
      return std::nullopt;
    }
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t place = big_endian_ ? i : count - 1 - i;
      value = value << 8 | std::to_integer<std::uint32_t>(bytes_[offset + place]);
    }
    return value;
  }

 private:
  Bytes bytes_;
  bool big_endian_;
};

/// The value of an entry of the directory (tag, type, count, value), if it is the orientation and in order.
std::optional<int> orientation_in_entry(const IntegerReader& reader, std::size_t entry) {
  constexpr std::uint32_t kOrientation = 0x0112;
  constexpr std::uint32_t kShort = 3;
  constexpr std::uint32_t kLong = 4;  // some programs write it so
  const auto type = reader.read(entry + 2, 2);
  if (reader.read(entry, 2) != kOrientation || (type != kShort && type != kLong) || reader.read(entry + 4, 4) != 1U) {
    return std::nullopt;
  }
  const auto value = reader.read(entry + 8, type == kShort ? 2 : 4);
  return value && *value >= 1 && *value <= 8 ? std::optional(static_cast<int>(*value)) : std::nullopt;
}

/// The orientation in the first directory of a block that is laid out as a TIFF file (TIFF 6.0, section 2).
int orientation_in_tiff(Bytes block) {
  const bool big_endian = begins_with(block, std::string_view("MM\0*", 4));
  if (!big_endian && !begins_with(block, std::string_view("II*\0", 4))) {
    return 1;
  }
  const IntegerReader reader(block, big_endian);
  const std::size_t directory = reader.read(4, 4).value_or(0);
  const std::uint32_t entries = reader.read(directory, 2).value_or(0);
  for (std::uint32_t i = 0; i < entries; ++i) {
    if (const auto found = orientation_in_entry(reader, directory + 2 + std::size_t{12} * i)) {
      return *found;
    }
  }
  return 1;
}

}  // namespace

int jpeg_orientation(Bytes bytes) {
  constexpr std::uint32_t kFirstByte = 0xff;
  constexpr std::uint32_t kStartOfScan = 0xda;
  constexpr std::uint32_t kApp1 = 0xe1;
  constexpr std::string_view kExif("Exif\0\0", 6);
  const IntegerReader reader(bytes, true);
  for (std::size_t offset = 2; reader.read(offset, 1) == kFirstByte;) {
    const std::uint32_t marker = reader.read(offset + 1, 1).value_or(kStartOfScan);
    if (marker == kFirstByte) {  // a filling byte
      ++offset;
      continue;
    }
    const std::uint32_t length = reader.read(offset + 2, 2).value_or(0);
    if (marker == kStartOfScan || length < 2) {
      return 1;
    }
    const Bytes rest = from(bytes, offset + 4);
    const Bytes segment = rest.first(std::min<std::size_t>(length - 2, rest.size()));
    if (marker == kApp1 && begins_with(segment, kExif)) {
      return orientation_in_tiff(from(segment, kExif.size()));
    }
    offset += 2 + std::size_t{length};
  }
  return 1;
}

int png_orientation(Bytes bytes) {
  const IntegerReader reader(bytes, true);
  std::size_t chunk = 8;
  while (const auto length = reader.read(chunk, 4)) {
    const Bytes content = from(bytes, chunk + 8);
    if (begins_with(from(bytes, chunk + 4), "eXIf")) {
      return orientation_in_tiff(content.first(std::min<std::size_t>(*length, content.size())));
    }
    chunk += std::size_t{12} + *length;
  }
  return 1;
}

}  // namespace lockstep::media
