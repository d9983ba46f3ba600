#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace lockstep::data {

/// A file as memory to read from: also what is written to it later, as far as the mapping reaches.
class FileMapping {
 public:
  FileMapping() = default;

  /// Maps the first `bytes` bytes, even if the file is not that long yet; none where the system refuses.
  FileMapping(int descriptor, std::uint64_t bytes);
  ~FileMapping();
  FileMapping(FileMapping&& other) noexcept
      : memory_(std::exchange(other.memory_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  FileMapping& operator=(FileMapping&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(size_, other.size_);
    return *this;
  }

  std::uint64_t size() const { return size_; }

  /// Bytes that lie inside of the mapping; they may be read only where the file has them.
  std::span<const std::byte> bytes(std::uint64_t offset, std::uint64_t count) const {
    return {memory_ + offset, count};
  }

 private:
  const std::byte* memory_ = nullptr;
  std::uint64_t size_ = 0;
};

}  // namespace lockstep::data
