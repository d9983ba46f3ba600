#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace lockstep::media {

enum class ZipMethod { kStore, kDeflate };

/// Writes a ZIP archive aside and renames it, so that at any moment either the old or the whole new one is there. The
/// bytes depend on the members alone: all have the same time, 1980-01-01, the first one that the format knows.
class ZipWriter {
 public:
  explicit ZipWriter(std::filesystem::path path);
  ~ZipWriter();  ///< leaves nothing behind of an archive that was not committed
  ZipWriter(const ZipWriter&) = delete;
  ZipWriter& operator=(const ZipWriter&) = delete;

  /// Adds a member; two of one name are a mistake of ours. A file is read when the archive is committed, not before,
  /// but one that cannot be opened now is a DataError.
  void add_file(const std::string& name, const std::filesystem::path& file, ZipMethod method);
  void add_bytes(const std::string& name, std::vector<std::byte> bytes, ZipMethod method);

  /// Writes the archive. Throws DataError where a file cannot be read, MachineError where the archive cannot be
  /// written.
  void commit();

 private:
  struct State;

  std::unique_ptr<State> state_;
};

}  // namespace lockstep::media
