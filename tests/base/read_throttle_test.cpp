#include "lockstep/base/read_throttle.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "lockstep/base/clock.h"
#include "lockstep/base/files.h"
#include "tests/support/temp_folder.h"

namespace lockstep::read_throttle_test {
namespace {

class ReadThrottle : public testing::Test {
 protected:
  ReadThrottle() { write_file_atomically(folder_ / "file", std::string(1000, 'x')); }
  ~ReadThrottle() override { throttle_reads(0); }

  double seconds_of_reads(int count) const {
    std::vector<std::byte> buffer;
    const Stopwatch watch;
    for (int i = 0; i < count; ++i) {
      read_file_into(folder_ / "file", buffer);
    }
    EXPECT_EQ(buffer.size(), 1000U);
    return watch.seconds();
  }

  test::TempFolder folder_;
};

TEST_F(ReadThrottle, ReadsTakeAtLeastAsLongAsTheDiskThatItPretends) {
  throttle_reads(100'000);
  EXPECT_GE(seconds_of_reads(3), 0.029);
}

TEST_F(ReadThrottle, AllThreadsShareTheDisk) {
  throttle_reads(100'000);
  const Stopwatch watch;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([this] { seconds_of_reads(1); });
    }
  }
  EXPECT_GE(watch.seconds(), 0.039);
}

}  // namespace
}  // namespace lockstep::read_throttle_test
