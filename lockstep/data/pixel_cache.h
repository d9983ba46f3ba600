#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lockstep/data/image_mask_pair.h"
#include "lockstep/data/kept_sample.h"

namespace lockstep::data {

/// The state of the files of a sample: their sizes in bytes, and the times of their last change in ns since 1970.
struct FileStamp {
  std::int64_t image_bytes = 0;
  std::int64_t image_time = 0;
  std::int64_t mask_bytes = 0;
  std::int64_t mask_time = 0;

  bool operator==(const FileStamp&) const = default;
};

/// What a cache holds so far.
struct CacheCounts {
  std::size_t samples = 0;   ///< of the dataset
  std::size_t seen = 0;      ///< of these, asked for at least once (what cannot be read, too), …
  std::size_t kept = 0;      ///< … in the cache, …
  std::size_t found = 0;     ///< … and there already, from another run
  std::size_t outdated = 0;  ///< what another run had left, but damaged or of files that have changed since
};

/// The decoded samples of one dataset. Threads share it; none waits for another one that decodes.
class PixelCache {
 public:
  /// Decodes a sample. The pixels live at least until the thread that called it calls another one.
  using Make = std::function<KeptSample()>;

  explicit PixelCache(std::size_t samples) : entries_(samples) {}
  virtual ~PixelCache() = default;
  PixelCache(const PixelCache&) = delete;
  PixelCache& operator=(const PixelCache&) = delete;

  /// What is kept of a sample. If that is nothing, what `make` gives, of which a copy is kept if there is room; the
  /// pixels are the same in either case. What is kept stays where it is as long as the cache lives.
  KeptSample get(std::size_t sample, const Make& make);

  CacheCounts counts() const;

  /// Whether all samples of the dataset were seen.
  bool has_seen_all() const { return seen_.load(std::memory_order_acquire) == entries_.size(); }

 protected:
  /// The sample as another run has left it, or null. Sets the stamp that its files have now.
  virtual const KeptSample* find(std::size_t sample, FileStamp& stamp);

  /// Keeps a copy; null where there is no room. Never called by two threads at once for the same sample.
  virtual const KeptSample* keep(std::size_t sample, const FileStamp& stamp, const KeptSample& made) = 0;

  void count_outdated() { outdated_.fetch_add(1, std::memory_order_relaxed); }

 private:
  struct Entry {
    std::atomic<const KeptSample*> kept{nullptr};
    std::atomic<bool> is_claimed{false};  ///< one thread finds or makes it
    bool is_seen = false;                 ///< of who has the claim
  };

  /// By the thread that has the claim.
  KeptSample find_or_make(std::size_t sample, Entry& entry, const Make& make);
  void note_seen(Entry& entry);

  std::vector<Entry> entries_;
  std::atomic<std::size_t> seen_{0};
  std::atomic<std::size_t> kept_{0};
  std::atomic<std::size_t> found_{0};
  std::atomic<std::size_t> outdated_{0};
};

/// Where the caches of a run keep what they hold, under one limit.
class PixelStorage {
 public:
  virtual ~PixelStorage() = default;

  /// A cache for the samples of a dataset; the storage and `pairs` must outlive it. `recipe` says what decides the kept
  /// pixels beside the files: with the same recipe, the same files become the same pixels.
  virtual std::unique_ptr<PixelCache> open(std::span<const ImageMaskPair> pairs, const std::string& recipe) = 0;

  /// The bytes that are held, and that may be at most.
  virtual std::uint64_t used() const = 0;
  virtual std::uint64_t limit() const = 0;

  /// How much is held, of how much at most, and where: "412 MiB of 8.0 GiB, RAM".
  virtual std::string describe() const = 0;
};

/// "cache: 193 of 193 samples fit (412 MiB of 8.0 GiB, RAM)"; as long as samples were not seen, how many they are; and
/// what was found from other runs.
std::string summarise_cache(const CacheCounts& counts, const PixelStorage& storage);

}  // namespace lockstep::data
