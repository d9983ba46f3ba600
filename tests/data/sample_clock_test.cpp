#include "lockstep/data/sample_clock.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace lockstep::data {
namespace {

using std::chrono::milliseconds;

std::chrono::nanoseconds of(const SampleClock& clock, SamplePart part) {
  return clock.times()[static_cast<std::size_t>(part)];
}

TEST(SampleClock, CountsAnInnerPartOnlyForItself) {
  SampleClock clock;
  const SampleClock::Use use(&clock);
  const auto before = std::chrono::steady_clock::now();
  {
    const SampleClock::Scope outer(SamplePart::kMask);
    std::this_thread::sleep_for(milliseconds(5));
    {
      const SampleClock::Scope inner(SamplePart::kRead);
      std::this_thread::sleep_for(milliseconds(10));
    }
    std::this_thread::sleep_for(milliseconds(5));
  }
  const auto elapsed = std::chrono::steady_clock::now() - before;
  EXPECT_GE(of(clock, SamplePart::kRead), milliseconds(10));
  EXPECT_GE(of(clock, SamplePart::kMask), milliseconds(10));
  EXPECT_LE(of(clock, SamplePart::kMask) + of(clock, SamplePart::kRead), elapsed);
  EXPECT_EQ(of(clock, SamplePart::kDecode).count(), 0);
  clock.reset();
  EXPECT_EQ(of(clock, SamplePart::kRead).count(), 0);
}

TEST(SampleClock, CountsNothingInThreadsThatDoNotUseIt) {
  SampleClock clock;
  const SampleClock::Use use(&clock);
  {
    const SampleClock::Use none(nullptr);
    const SampleClock::Scope scope(SamplePart::kRead);
    std::this_thread::sleep_for(milliseconds(1));
  }
  std::thread([] {
    const SampleClock::Scope scope(SamplePart::kRead);
    std::this_thread::sleep_for(milliseconds(1));
  }).join();
  EXPECT_EQ(of(clock, SamplePart::kRead).count(), 0);
}

TEST(SampleClock, AddsUpTheTimeOfSeveralThreads) {
  SampleClock clock;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        const SampleClock::Use use(&clock);
        const SampleClock::Scope scope(SamplePart::kResize);
        std::this_thread::sleep_for(milliseconds(5));
      });
    }
  }
  EXPECT_GE(of(clock, SamplePart::kResize), milliseconds(15));
}

}  // namespace
}  // namespace lockstep::data
