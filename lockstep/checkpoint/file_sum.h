#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace lockstep::checkpoint {

/// How long a file is, and the sum by which a change of it shows: the CRC-32 of gzip and PNG, which Python's zlib.crc32
/// gives, too.
struct FileSum {
  std::string name;
  std::uint64_t bytes = 0;
  std::uint32_t crc32 = 0;

  /// Counts in what follows what was counted so far.
  void add(std::span<const std::byte> piece);

  bool operator==(const FileSum&) const = default;
};

/// Of a file, which is read whole. Throws DataError where it cannot be.
FileSum sum_of(const std::filesystem::path& file);

}  // namespace lockstep::checkpoint
