#include "lockstep/train/page_locked.h"

#include <ATen/Context.h>

#include <mutex>
#include <unordered_map>

namespace lockstep::train {
namespace {

/// LibTorch's own page-locked memory, which keeps what it once had from the driver. It comes with an owner, without
/// which it cannot be given back.
class PageLockedMemory {
 public:
  std::byte* take(std::size_t bytes) {
    at::DataPtr owner = at::globalContext().getPinnedMemoryAllocator(c10::kCUDA)->allocate(bytes);
    auto* memory = static_cast<std::byte*>(owner.get());
    const std::lock_guard lock(mutex_);
    owners_.emplace(memory, std::move(owner));
    return memory;
  }

  void give_back(std::byte* memory) {
    const std::lock_guard lock(mutex_);
    owners_.erase(memory);
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::byte*, at::DataPtr> owners_;
};

/// Never destroyed: batches may be given back as late as the program's end.
PageLockedMemory& page_locked_memory() {
  static auto* memory = new PageLockedMemory;
  return *memory;
}

std::byte* take_page_locked(std::size_t bytes) { return page_locked_memory().take(bytes); }

void give_page_locked_back(std::byte* memory, std::size_t) noexcept { page_locked_memory().give_back(memory); }

}  // namespace

const data::HostMemory& host_memory_for(c10::Device device) {
  static constexpr data::HostMemory page_locked = {&take_page_locked, &give_page_locked_back};
  return device.is_cpu() ? data::ordinary_memory() : page_locked;
}

}  // namespace lockstep::train
