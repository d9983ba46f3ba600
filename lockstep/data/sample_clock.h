#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace lockstep::data {

/// What is done to load a sample.
enum class SamplePart : std::uint8_t { kRead, kDecode, kMask, kResize, kColour, kCopy, kOther };

inline constexpr std::size_t kSampleParts = 7;

/// "read", "decode", …
const char* name_of(SamplePart part);

/// Adds up where the time of loading samples goes, over all threads that use it. Code that loads samples marks its
/// parts with scopes, which cost a look at a variable of the thread as long as that uses no clock.
class SampleClock {
 public:
  using Times = std::array<std::chrono::nanoseconds, kSampleParts>;

  /// Makes the calling thread use a clock for as long as it lives; null: none.
  class Use {
   public:
    explicit Use(SampleClock* clock);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    SampleClock* before_;
  };

  /// Counts the time of its life as one part. Within another scope the time is the inner one's alone.
  class Scope {
   public:
    explicit Scope(SamplePart part);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    SampleClock* clock_;  ///< null: off
    SamplePart part_;
    Scope* outer_ = nullptr;
    std::chrono::steady_clock::time_point start_{};  ///< of what is not counted yet
  };

  /// Thread time by part since the start or the last `reset`; each thread counts for itself.
  Times times() const;

  void reset();

 private:
  void add(SamplePart part, std::chrono::steady_clock::duration time);

  std::array<std::atomic<std::int64_t>, kSampleParts> nanoseconds_{};
};

}  // namespace lockstep::data
