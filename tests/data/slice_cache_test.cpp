#include "lockstep/data/slice_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "lockstep/base/parallel_for.h"

namespace lockstep::data::slice_cache_test {
namespace {

constexpr std::size_t kBytes = 100;

/// Wants a slice that is full of its number, and gives whether it was so.
bool want(SliceCache& cache, std::uint64_t number) {
  bool right = false;
  cache.with_slice(
      number, kBytes, [&](std::span<std::byte> voxels) { std::ranges::fill(voxels, static_cast<std::byte>(number)); },
      [&](const std::byte* voxels) {
        right = std::all_of(voxels, voxels + kBytes, [&](std::byte b) { return b == static_cast<std::byte>(number); });
      });
  return right;
}

TEST(SliceCache, DecodesOnceWhatItHasRoomFor) {
  SliceCache cache(3 * kBytes);
  for (int round = 0; round < 4; ++round) {
    for (const std::uint64_t number : {5U, 6U, 7U}) {
      EXPECT_TRUE(want(cache, number));
    }
  }
  EXPECT_EQ(cache.counts().decoded, 3U);
  EXPECT_EQ(cache.counts().found, 9U);
}

TEST(SliceCache, LetsGoWhatWasWantedTheLongestTimeAgo) {
  SliceCache cache(3 * kBytes);
  for (const std::uint64_t number : {1U, 2U, 3U, 1U, 4U}) {  // 2 has to go
    want(cache, number);
  }
  EXPECT_EQ(cache.counts().decoded, 4U);
  want(cache, 1);
  want(cache, 3);
  want(cache, 4);
  EXPECT_EQ(cache.counts().decoded, 4U);
  want(cache, 2);
  EXPECT_EQ(cache.counts().decoded, 5U);
  EXPECT_EQ(cache.counts().bytes, 3 * kBytes);
}

TEST(SliceCache, NeverTakesMoreThanItsLimitHoweverManyThreadsWantSlices) {
  SliceCache cache(2 * kBytes + 50);
  std::atomic<int> wrong = 0;
  parallel_for(6, 6, [&](std::size_t thread) {
    for (std::uint64_t i = 0; i < 400; ++i) {
      wrong += want(cache, (i * (thread + 3)) % 11) ? 0 : 1;
    }
  });
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(cache.counts().most_bytes, 2 * kBytes + 50);
  EXPECT_EQ(cache.counts().found + cache.counts().decoded, 6U * 400);
}

TEST(SliceCache, DecodesOnceWhatSeveralThreadsWantAtOnce) {
  SliceCache cache(10 * kBytes);
  std::atomic<int> decoded = 0;
  parallel_for(4, 4, [&](std::size_t) {
    cache.with_slice(
        1, kBytes,
        [&](std::span<std::byte>) {
          ++decoded;
          std::this_thread::sleep_for(std::chrono::milliseconds(5));
        },
        [](const std::byte*) {});
  });
  EXPECT_EQ(decoded, 1);
}

TEST(SliceCache, ForgetsASliceThatCouldNotBeDecoded) {
  SliceCache cache(kBytes);
  const auto fail = [](std::span<std::byte>) { throw std::runtime_error("torn"); };
  EXPECT_THROW(cache.with_slice(1, kBytes, fail, [](const std::byte*) {}), std::runtime_error);
  EXPECT_EQ(cache.counts().bytes, 0U);
  EXPECT_TRUE(want(cache, 1));
  const auto fail_in_use = [](const std::byte*) { throw std::runtime_error("no use"); };
  EXPECT_THROW(cache.with_slice(
                   1, kBytes, [](std::span<std::byte>) {}, fail_in_use),
               std::runtime_error);
  EXPECT_TRUE(want(cache, 2));  // the slice before it is no longer held
}

}  // namespace
}  // namespace lockstep::data::slice_cache_test
