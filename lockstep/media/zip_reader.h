#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

struct zip;  // libzip's

namespace lockstep::media {

/// A ZIP archive whose entries are stored as they are, as torch.save writes them: what it takes to read one is bounded
/// by the archive's size, whatever its directory claims.
class ZipReader {
 public:
  /// Throws DataError where the file cannot be read, is no such archive, holds a name twice, or claims to hold more
  /// than it has.
  explicit ZipReader(const std::filesystem::path& path);

  /// The same of an archive in memory, which must stay there; `name` is for the messages.
  ZipReader(std::span<const std::byte> bytes, const std::string& name);

  /// In bytes, by name.
  const std::map<std::string, std::uint64_t>& entries() const { return sizes_; }

  /// Nothing where there is no such entry.
  std::optional<std::uint64_t> size_of(const std::string& entry) const;

  /// Reads an entry that is there, into memory of its size. Throws DataError where it is damaged (by its CRC-32),
  /// compressed or encrypted.
  void read(const std::string& entry, std::span<std::byte> into) const;

 private:
  struct Close {
    void operator()(zip* archive) const;
  };

  void read_directory(std::uint64_t archive_bytes);

  std::string name_;
  std::unique_ptr<zip, Close> archive_;
  std::map<std::string, std::uint64_t> sizes_;
};

}  // namespace lockstep::media
