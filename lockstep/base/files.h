#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep {

/// The bytes of a file. Throws DataError, with the file's name, where it cannot be read.
std::vector<std::byte> read_file(const std::filesystem::path& path);

/// The same as text.
std::string read_text(const std::filesystem::path& path);

/// Reads a file into a buffer that is reused: afterwards the buffer holds just the file's bytes.
void read_file_into(const std::filesystem::path& path, std::vector<std::byte>& buffer);

/// Reads a file from its begin to its end, a piece at a time, into memory of a fixed size. Throws DataError as
/// read_file().
void read_in_pieces(const std::filesystem::path& path, const std::function<void(std::span<const std::byte>)>& take);

/// A file to read from at any place, by several threads at once. Throws DataError as read_file().
class InputFile {
 public:
  explicit InputFile(std::filesystem::path path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  int descriptor() const { return file_; }
  std::uint64_t size() const { return size_; }  ///< in bytes, when it was opened

  /// Reads from an offset on, and gives how many bytes there were; less than asked for at the end of the file only.
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> buffer) const;

 private:
  std::filesystem::path path_;
  int file_;
  std::uint64_t size_ = 0;
};

/// A file that is written piece by piece, so that at any moment either the old or the whole new content is there:
/// aside, flushed to the disk, renamed. All throw MachineError (disk full, read-only folder …).
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();  ///< leaves nothing behind of a file that was not committed
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void put(std::span<const std::byte> bytes);
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path aside_;
  int file_;
};

/// What is added to the name of a file, behind its process, while it is written aside.
inline constexpr const char* kPartialSuffix = ".partial";

/// Writes a whole file as AtomicFile does.
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

/// Flushes a folder's entries, so that a rename in it outlives a power cut.
void flush_directory(const std::filesystem::path& path);

/// Lets the machine forget what it holds of a file in memory, so that the next reader sees what the disk has. The file
/// must have been flushed.
void drop_from_memory(const std::filesystem::path& path);

/// What a user may still write into a folder, in bytes. Throws MachineError where the folder is not there.
std::uint64_t free_bytes(const std::filesystem::path& folder);

/// Creates a folder and those above it. Throws MachineError with the folder's name.
void make_directories(const std::filesystem::path& path);

}  // namespace lockstep
