#pragma once

#include <cstddef>

namespace lockstep::data {

/// Buffers begin at a multiple of this many bytes: a cache line, and the widest vector of a processor.
inline constexpr std::size_t kBufferAlignment = 64;

/// Where the memory of batches comes from: such as page-locked memory, which GPUs copy from faster and while they
/// compute.
struct HostMemory {
  std::byte* (*take)(std::size_t bytes);                             ///< aligned; throws std::bad_alloc
  void (*give_back)(std::byte* memory, std::size_t bytes) noexcept;  ///< what `take` gave for so many bytes
};

/// That of the C++ library.
const HostMemory& ordinary_memory();

/// Bytes that are taken once and used again and again. They are not set to anything before they are written.
class HostBuffer {
 public:
  explicit HostBuffer(const HostMemory& memory = ordinary_memory()) : memory_(&memory) {}
  ~HostBuffer() { free(); }
  HostBuffer(HostBuffer&& other) noexcept;
  HostBuffer& operator=(HostBuffer&& other) noexcept;

  /// Makes it hold so many bytes. It keeps what it holds unless it must grow beyond its capacity.
  void resize(std::size_t bytes);

  /// Makes room for so many bytes, so that it need not grow later. It loses what it holds if it grows.
  void reserve(std::size_t bytes);

  std::size_t size() const { return size_; }
  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  std::byte* begin() { return data_; }
  std::byte* end() { return data_ + size_; }
  const std::byte* begin() const { return data_; }
  const std::byte* end() const { return data_ + size_; }

 private:
  void free();

  const HostMemory* memory_;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace lockstep::data
