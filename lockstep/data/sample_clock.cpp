#include "lockstep/data/sample_clock.h"

#include <utility>

namespace lockstep::data {
namespace {

thread_local SampleClock* clock_of_thread = nullptr;
thread_local SampleClock::Scope* innermost_scope = nullptr;

}  // namespace

const char* name_of(SamplePart part) {
  static constexpr std::array<const char*, kSampleParts> names{"read",   "decode", "mask", "resize",
                                                               "colour", "copy",   "other"};
  return names[static_cast<std::size_t>(part)];
}

SampleClock::Use::Use(SampleClock* clock) : before_(std::exchange(clock_of_thread, clock)) {}

SampleClock::Use::~Use() { clock_of_thread = before_; }

SampleClock::Scope::Scope(SamplePart part) : clock_(clock_of_thread), part_(part) {
  if (clock_ == nullptr) {
    return;
  }
  start_ = std::chrono::steady_clock::now();
  outer_ = std::exchange(innermost_scope, this);
  if (outer_ != nullptr) {
    clock_->add(outer_->part_, start_ - outer_->start_);
  }
}

SampleClock::Scope::~Scope() {
  if (clock_ == nullptr) {
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  clock_->add(part_, now - start_);
  innermost_scope = outer_;
  if (outer_ != nullptr) {
    outer_->start_ = now;
  }
}

SampleClock::Times SampleClock::times() const {
  Times times{};
  for (std::size_t i = 0; i < kSampleParts; ++i) {
    times[i] = std::chrono::nanoseconds(nanoseconds_[i].load(std::memory_order_relaxed));
  }
  return times;
}

void SampleClock::reset() {
  for (auto& nanoseconds : nanoseconds_) {
    nanoseconds.store(0, std::memory_order_relaxed);
  }
}

void SampleClock::add(SamplePart part, std::chrono::steady_clock::duration time) {
  nanoseconds_[static_cast<std::size_t>(part)].fetch_add(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time).count(), std::memory_order_relaxed);
}

}  // namespace lockstep::data
