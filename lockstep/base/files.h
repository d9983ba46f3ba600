#pragma once

#include <cstddef>
#include <filesystem>
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

/// Writes a file so that at any moment either the old or the whole new content is there: aside, flushed to the disk,
/// renamed. Throws MachineError (disk full, read-only folder …), and then leaves nothing behind.
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

/// Flushes a folder's entries, so that a rename in it outlives a power cut.
void flush_directory(const std::filesystem::path& path);

/// Creates a folder and those above it. Throws MachineError with the folder's name.
void make_directories(const std::filesystem::path& path);

}  // namespace lockstep
