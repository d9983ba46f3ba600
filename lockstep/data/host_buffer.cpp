#include "lockstep/data/host_buffer.h"

#include <new>
#include <utility>

namespace lockstep::data {

const HostMemory& ordinary_memory() {
  static constexpr HostMemory memory{
      [](std::size_t bytes) {
        return static_cast<std::byte*>(::operator new (bytes, std::align_val_t{kBufferAlignment}));
      },
      [](std::byte* taken, std::size_t) noexcept { ::operator delete (taken, std::align_val_t{kBufferAlignment}); }};
  return memory;
}

HostBuffer::HostBuffer(HostBuffer&& other) noexcept
    : memory_(other.memory_),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

HostBuffer& HostBuffer::operator=(HostBuffer&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(capacity_, other.capacity_);
  return *this;
}

void HostBuffer::resize(std::size_t bytes) {
  reserve(bytes);
  size_ = bytes;
}

void HostBuffer::reserve(std::size_t bytes) {
  if (bytes > capacity_) {
    free();
    data_ = memory_->take(bytes);
    capacity_ = bytes;
  }
}

void HostBuffer::free() {
  if (data_ != nullptr) {
    memory_->give_back(data_, capacity_);
  }
  data_ = nullptr;
  size_ = capacity_ = 0;
}

}  // namespace lockstep::data
