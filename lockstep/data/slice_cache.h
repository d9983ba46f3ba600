#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>

namespace lockstep::data {

/// What is done with a slice's voxels; they are there as long as the call lasts.
using SliceUse = std::function<void(const std::byte* voxels)>;

/// Keeps the decoded slices that were wanted last. Together, those in use and those being decoded among them, they
/// never take more bytes than the limit: who wants one more waits until another one is no longer in use. Thread-safe.
class SliceCache {
 public:
  explicit SliceCache(std::uint64_t limit) : limit_(limit) {}

  struct Counts {
    std::uint64_t found = 0;
    std::uint64_t decoded = 0;
    std::uint64_t bytes = 0;  ///< that are taken now
    std::uint64_t most_bytes = 0;
  };

  /// Calls `use` with the slice of that number, which `decode` writes into memory of so many bytes, no more than the
  /// limit, where it is not there. Nobody may want a slice while he uses another one. Rethrows what they throw.
  void with_slice(std::uint64_t number, std::size_t bytes, const std::function<void(std::span<std::byte>)>& decode,
                  const SliceUse& use);

  Counts counts() const;

 private:
  struct Slice {
    std::uint64_t number;
    std::size_t bytes;
    std::unique_ptr<std::byte[]> voxels;
    bool is_ready = false;
    int users = 0;
  };
  using Slices = std::list<Slice>;

  class Hold;

  Slices::iterator hold(std::uint64_t number, std::size_t bytes);
  bool make_room(std::size_t bytes);

  const std::uint64_t limit_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;  ///< a slice is ready, gone, or in use no longer
  Slices slices_;                    ///< what was wanted last stands first
  std::unordered_map<std::uint64_t, Slices::iterator> by_number_;
  Counts counts_;
};

}  // namespace lockstep::data
