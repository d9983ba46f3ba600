#include "lockstep/base/parallel_for.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

namespace lockstep::parallel_for_test {
namespace {

TEST(ParallelFor, DoesEverythingOnceAndThrowsWhatTheFirstOneThrew) {
  std::vector<std::atomic<int>> calls(500);
  parallel_for(calls.size(), 4, [&](std::size_t i) { ++calls[i]; });
  EXPECT_TRUE(std::ranges::all_of(calls, [](const std::atomic<int>& count) { return count == 1; }));
  for (int trial = 0; trial < 20; ++trial) {
    try {
      parallel_for(100, 4, [](std::size_t i) {
        if (i >= 17) {
          throw std::runtime_error(std::to_string(i));
        }
      });
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "17");
    }
  }
  parallel_for(0, 4, [](std::size_t) { FAIL() << "there is nothing to do"; });
}

}  // namespace
}  // namespace lockstep::parallel_for_test
