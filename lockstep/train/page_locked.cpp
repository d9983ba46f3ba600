#include "lockstep/train/page_locked.h"

#include <ATen/Context.h>

namespace lockstep::train {
namespace {

// LibTorch's own allocator, which keeps what it once had from the driver.
c10::Allocator& page_locked_allocator() { return *at::globalContext().getPinnedMemoryAllocator(c10::kCUDA); }

std::byte* take_page_locked(std::size_t bytes) {
  return static_cast<std::byte*>(page_locked_allocator().raw_allocate(bytes));
}

void give_page_locked_back(std::byte* memory, std::size_t) noexcept { page_locked_allocator().raw_deallocate(memory); }

}  // namespace

const data::HostMemory& host_memory_for(c10::Device device) {
  static constexpr data::HostMemory page_locked = {&take_page_locked, &give_page_locked_back};
  return device.is_cpu() ? data::ordinary_memory() : page_locked;
}

}  // namespace lockstep::train
