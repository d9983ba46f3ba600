#include "lockstep/data/slice_cache.h"

#include <algorithm>

#include "lockstep/base/error.h"

namespace lockstep::data {

/// Lets a slice go at the end of its use; one that could not be decoded goes for good.
class SliceCache::Hold {
 public:
  Hold(SliceCache& cache, Slices::iterator slice) : cache_(cache), slice_(slice) {}
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;

  ~Hold() {
    const std::lock_guard lock(cache_.mutex_);
    --slice_->users;
    if (!slice_->is_ready) {
      cache_.counts_.bytes -= slice_->bytes;
      cache_.by_number_.erase(slice_->number);
      cache_.slices_.erase(slice_);
    }
    cache_.changed_.notify_all();
  }

 private:
  SliceCache& cache_;
  Slices::iterator slice_;
};

bool SliceCache::make_room(std::size_t bytes) {
  auto slice = slices_.end();
  while (counts_.bytes + bytes > limit_ && slice != slices_.begin()) {
    --slice;
    if (slice->users == 0) {
      counts_.bytes -= slice->bytes;
      by_number_.erase(slice->number);
      slice = slices_.erase(slice);
    }
  }
  return counts_.bytes + bytes <= limit_;
}

/// The slice, ready or for the caller to decode, and held.
SliceCache::Slices::iterator SliceCache::hold(std::uint64_t number, std::size_t bytes) {
  std::unique_lock lock(mutex_);
  while (true) {
    const auto known = by_number_.find(number);
    if (known != by_number_.end() && known->second->is_ready) {
      slices_.splice(slices_.begin(), slices_, known->second);
      ++known->second->users;
      ++counts_.found;
      return known->second;
    }
    if (known == by_number_.end() && make_room(bytes)) {
      slices_.push_front({number, bytes, nullptr, false, 1});
      by_number_[number] = slices_.begin();
      counts_.bytes += bytes;
      counts_.most_bytes = std::max(counts_.most_bytes, counts_.bytes);
      ++counts_.decoded;
      return slices_.begin();
    }
    changed_.wait(lock);
  }
}

void SliceCache::with_slice(std::uint64_t number, std::size_t bytes,
                            const std::function<void(std::span<std::byte>)>& decode, const SliceUse& use) {
  LOCKSTEP_ASSERT(bytes <= limit_, "a slice that never fits");
  const Slices::iterator slice = hold(number, bytes);
  const Hold held(*this, slice);
  // Nobody else touches a slice that is not ready, so this needs no lock.
  if (slice->voxels == nullptr) {
    slice->voxels = std::make_unique_for_overwrite<std::byte[]>(bytes);
    decode({slice->voxels.get(), bytes});
    const std::lock_guard lock(mutex_);
    slice->is_ready = true;
    changed_.notify_all();
  }
  use(slice->voxels.get());
}

SliceCache::Counts SliceCache::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace lockstep::data
