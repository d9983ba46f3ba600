#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "lockstep/data/pixel_cache.h"

namespace lockstep::data {

/// Keeps pixels in one range of memory, filled from its front without locks. It is reserved whole, and taken from the
/// system as it fills.
class RamStorage : public PixelStorage {
 public:
  /// Takes at most `limit` bytes, and stops earlier where `available` says that the machine runs out of memory. Throws
  /// MachineError where so much cannot even be reserved.
  RamStorage(std::uint64_t limit, std::function<std::uint64_t()> available);
  ~RamStorage() override;

  std::unique_ptr<PixelCache> open(std::span<const ImageMaskPair> pairs, const std::string& recipe) override;
  std::uint64_t limit() const override { return limit_; }
  std::uint64_t used() const override { return used_.load(std::memory_order_relaxed); }
  std::string describe() const override;

  /// Memory for so many bytes, aligned for a cache line; null where there is no room left.
  std::uint8_t* take(std::size_t bytes);

 private:
  bool has_memory_for(std::uint64_t begin, std::uint64_t end);

  std::uint64_t limit_;
  std::function<std::uint64_t()> available_;
  std::uint8_t* memory_ = nullptr;
  std::atomic<std::uint64_t> used_{0};
  std::atomic<bool> is_exhausted_{false};
};

}  // namespace lockstep::data
