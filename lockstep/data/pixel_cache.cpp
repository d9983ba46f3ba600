#include "lockstep/data/pixel_cache.h"

#include <utility>

#include "lockstep/base/text.h"

namespace lockstep::data {
namespace {

/// The right to keep a sample, which one thread at a time has.
class KeepingClaim {
 public:
  explicit KeepingClaim(std::atomic<bool>& is_claimed)
      : is_claimed_(is_claimed), is_held_(!is_claimed.exchange(true, std::memory_order_acquire)) {}
  ~KeepingClaim() {
    if (is_held_) {
      is_claimed_.store(false, std::memory_order_release);
    }
  }
  KeepingClaim(const KeepingClaim&) = delete;
  KeepingClaim& operator=(const KeepingClaim&) = delete;

  bool is_held() const { return is_held_; }

 private:
  std::atomic<bool>& is_claimed_;
  bool is_held_;
};

}  // namespace

KeptSample PixelCache::get(std::size_t sample, const Make& make) {
  Entry& entry = entries_.at(sample);
  if (const KeptSample* kept = entry.kept.load(std::memory_order_acquire)) {
    return *kept;
  }
  const KeepingClaim claim(entry.is_claimed);
  if (!claim.is_held()) {
    return make();  // another thread has just begun to; rare, and cheaper than to wait
  }
  try {
    const KeptSample result = find_or_make(sample, entry, make);
    note_seen(entry);
    return result;
  } catch (...) {
    note_seen(entry);
    throw;
  }
}

void PixelCache::note_seen(Entry& entry) {
  if (!std::exchange(entry.is_seen, true)) {
    seen_.fetch_add(1, std::memory_order_release);
  }
}

KeptSample PixelCache::find_or_make(std::size_t sample, Entry& entry, const Make& make) {
  if (const KeptSample* kept = entry.kept.load(std::memory_order_acquire)) {
    return *kept;  // by the thread that had the claim before
  }
  FileStamp stamp;
  KeptSample result;
  const KeptSample* kept = find(sample, stamp);
  if (kept != nullptr) {
    found_.fetch_add(1, std::memory_order_relaxed);
  } else {
    result = make();
    kept = keep(sample, stamp, result);
  }
  if (kept == nullptr) {
    return result;
  }
  kept_.fetch_add(1, std::memory_order_relaxed);
  entry.kept.store(kept, std::memory_order_release);
  return *kept;
}

const KeptSample* PixelCache::find(std::size_t, FileStamp&) { return nullptr; }

CacheCounts PixelCache::counts() const {
  CacheCounts counts;
  counts.samples = entries_.size();
  counts.seen = seen_.load(std::memory_order_acquire);
  counts.kept = kept_.load(std::memory_order_relaxed);
  counts.found = found_.load(std::memory_order_relaxed);
  counts.outdated = outdated_.load(std::memory_order_relaxed);
  return counts;
}

std::string summarise_cache(const CacheCounts& counts, const PixelStorage& storage) {
  std::string line = text("cache: ", counts.kept, " of ", counts.samples, " samples fit (", storage.describe(), ")");
  if (counts.seen < counts.samples) {
    line += text("; ", counts.samples - counts.seen, " were not asked for yet");
  }
  if (counts.found > 0) {
    line += text("; ", counts.found, " were there already");
  }
  if (counts.outdated > 0) {
    line += text("; ", counts.outdated, " were outdated or damaged and are decoded anew");
  }
  return line;
}

}  // namespace lockstep::data
