#include "lockstep/data/ram_cache.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/data/byte_count.h"

namespace lockstep::data {
namespace {

constexpr std::size_t kCacheLine = 64;

/// How often the free memory is looked at, and how much of it must be left.
constexpr std::uint64_t kLookEvery = std::uint64_t{64} << 20;
constexpr std::uint64_t kMemoryToLeave = std::uint64_t{256} << 20;

constexpr std::size_t aligned(std::size_t bytes) { return (bytes + kCacheLine - 1) / kCacheLine * kCacheLine; }

class RamCache : public PixelCache {
 public:
  RamCache(std::size_t samples, RamStorage& storage) : PixelCache(samples), storage_(storage) {}

 protected:
  const KeptSample* keep(std::size_t, const FileStamp&, const KeptSample& made) override {
    constexpr std::size_t kHead = aligned(sizeof(KeptSample));
    const std::size_t bytes = kept_bytes(made.shape());
    std::uint8_t* memory = storage_.take(kHead + bytes);
    if (memory == nullptr) {
      return nullptr;
    }
    return new (memory) KeptSample(copy_kept(made, {memory + kHead, bytes}));
  }

 private:
  RamStorage& storage_;
};

}  // namespace

RamStorage::RamStorage(std::uint64_t limit, std::function<std::uint64_t()> available)
    : limit_(limit), available_(std::move(available)) {
  void* memory = ::mmap(nullptr, limit_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    throw MachineError(
        text("cannot reserve ", format_byte_count(limit_), " of memory for --cache ram: ", std::strerror(errno)),
        "give a smaller --cache-limit, or --cache disk");
  }
  ::madvise(memory, limit_, MADV_HUGEPAGE);  // fewer page faults where the system has such pages
  memory_ = static_cast<std::uint8_t*>(memory);
}

RamStorage::~RamStorage() { ::munmap(memory_, limit_); }

std::unique_ptr<PixelCache> RamStorage::open(std::span<const ImageMaskPair> pairs, const std::string&) {
  return std::make_unique<RamCache>(pairs.size(), *this);
}

std::string RamStorage::describe() const {
  return text(format_byte_count(used()), " of ", format_byte_count(limit_), ", RAM");
}

std::uint8_t* RamStorage::take(std::size_t bytes) {
  const std::size_t size = aligned(bytes);
  std::uint64_t begin = used_.load(std::memory_order_relaxed);
  do {
    if (size > limit_ - begin || !has_memory_for(begin, begin + size)) {
      return nullptr;
    }
  } while (!used_.compare_exchange_weak(begin, begin + size, std::memory_order_relaxed));
  return memory_ + begin;
}

bool RamStorage::has_memory_for(std::uint64_t begin, std::uint64_t end) {
  if (is_exhausted_.load(std::memory_order_relaxed)) {
    return false;
  }
  const bool looks = begin / kLookEvery != end / kLookEvery;
  if (looks && available_() < kMemoryToLeave) {
    is_exhausted_.store(true, std::memory_order_relaxed);
    return false;
  }
  return true;
}

}  // namespace lockstep::data
