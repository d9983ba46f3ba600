#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace lockstep::data {

enum class LockKind { kAlone, kShared };

enum class LockOutcome {
  kLocked,
  kTaken,   ///< another open file has a lock that does not go with this one
  kFailed,  ///< as errno says: the file system may know no locks
};

/// An open file. What can fail says so by its result: who keeps a cache goes on without it.
class FileHandle {
 public:
  FileHandle() = default;

  /// `flags` as for open(2).
  FileHandle(const std::filesystem::path& path, int flags);
  ~FileHandle();
  FileHandle(FileHandle&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileHandle& operator=(FileHandle&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }

  bool is_open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }

  /// In bytes; 0 where it cannot be told.
  std::uint64_t size() const;

  /// The bytes from an offset to the end of the file, or fewer where they cannot be read.
  std::vector<std::byte> read_from(std::uint64_t offset) const;

  bool write_at(std::uint64_t offset, std::span<const std::byte> bytes) const;

  /// Makes the file longer and takes the disk's room for it, or shorter.
  bool resize(std::uint64_t size) const;

  /// Locks the file (flock), alone or along with others that share it, in place of the lock that this object may have
  /// already. The lock goes with this object.
  LockOutcome try_lock(LockKind kind) const;

  /// Waits until it has the file alone. False where that fails, as errno says.
  bool wait_for_lock() const;

 private:
  int descriptor_ = -1;
};

}  // namespace lockstep::data
