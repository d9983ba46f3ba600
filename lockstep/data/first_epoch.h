#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>

namespace lockstep::data {

/// Sees when the first epoch that samples are loaded of has ended: a later one has begun, and all samples of the first
/// one that were begun are done. Thread-safe.
class FirstEpoch {
 public:
  /// A sample of this epoch is about to be loaded.
  void begin_sample(std::uint64_t epoch);

  /// It is loaded, or has failed. True once: where with it the first epoch has ended.
  bool end_sample(std::uint64_t epoch);

 private:
  std::atomic<bool> has_ended_{false};  ///< then nothing else is looked at
  std::mutex mutex_;
  std::optional<std::uint64_t> first_;
  int loading_ = 0;  ///< samples of the first epoch
  bool has_later_ = false;
};

}  // namespace lockstep::data
