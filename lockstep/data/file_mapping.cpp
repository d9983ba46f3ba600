#include "lockstep/data/file_mapping.h"

#include <sys/mman.h>

namespace lockstep::data {

FileMapping::FileMapping(int descriptor, std::uint64_t bytes) {
  void* memory = bytes == 0 ? MAP_FAILED : ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, descriptor, 0);
  if (memory != MAP_FAILED) {
    memory_ = static_cast<const std::byte*>(memory);
    size_ = bytes;
  }
}

FileMapping::~FileMapping() {
  if (memory_ != nullptr) {
    ::munmap(const_cast<std::byte*>(memory_), size_);
  }
}

}  // namespace lockstep::data
