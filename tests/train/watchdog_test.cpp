#include "lockstep/train/watchdog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "lockstep/base/error.h"

namespace lockstep::train::watchdog_test {
namespace {

using testing::HasSubstr;

ProbeReading reading(const char* thread, const char* activity, double seconds, bool is_meeting = false) {
  return {thread, activity, seconds, is_meeting};
}

TEST(Watchdog, NamesWhatStandsStill) {
  const auto words =
      describe_standstill({reading("rank 0", "wait for data", 601), reading("rank 1", "forward", 700)}, Seconds(600));
  ASSERT_TRUE(words);
  EXPECT_EQ(*words,
            "nothing has moved for 10 min 0 s in rank 0, which is at: wait for data, rank 1, which is at: forward");
}

TEST(Watchdog, LeavesARankAloneThatGotOn) {
  EXPECT_FALSE(describe_standstill({reading("rank 0", "forward", 599)}, Seconds(600)));
  EXPECT_FALSE(describe_standstill({reading("rank 0", "forward", 601), reading("rank 1", "update", 1)}, Seconds(600)));
  EXPECT_FALSE(describe_standstill({}, Seconds(600)));
}

TEST(Watchdog, LeavesThreadsAloneThatAreAtNothing) {
  ProbeReading idle = reading("the program", "idle", 1000);
  idle.is_idle = true;
  EXPECT_FALSE(describe_standstill({idle}, Seconds(600)));
  EXPECT_EQ(describe_standstill({reading("rank 0", "forward", 601), idle}, Seconds(600)),
            "nothing has moved for 10 min 0 s in rank 0, which is at: forward");
}

TEST(Watchdog, NamesHelpersThatStandStillBesideThoseThatItWatches) {
  ProbeReading idle = reading("decode 2", "idle", 1000);
  idle.is_idle = true;
  EXPECT_EQ(
      describe_standstill({reading("rank 0", "wait for data", 601)}, Seconds(600),
                          {reading("decode 0", "decode a.jpg", 302), reading("decode 1", "decode b.jpg", 2), idle}),
      "nothing has moved for 10 min 0 s in rank 0, which is at: wait for data, decode 0, which is at: decode "
      "a.jpg");
}

TEST(Watchdog, LeavesARankAloneThatOthersWaitFor) {
  EXPECT_FALSE(
      describe_standstill({reading("rank 0", "barrier", 590, true), reading("rank 1", "forward", 601)}, Seconds(600)));
}

TEST(Watchdog, BarksOnceWhereItsThreadsStandStill) {
  std::promise<std::exception_ptr> barked;
  std::future<std::exception_ptr> bark = barked.get_future();
  std::promise<void> over;
  std::jthread rank([&] {
    const ProbedThread probed("rank 0");
    const ProbeScope probe("forward");
    over.get_future().wait();
  });
  {
    Watchdog watchdog(Seconds(0.05), {"rank 0"}, [&](const std::exception_ptr& error) { barked.set_value(error); });
    try {
      std::rethrow_exception(bark.get());
    } catch (const TrainingError& error) {
      EXPECT_THAT(error.what(), HasSubstr("rank 0, which is at: forward"));
      EXPECT_THAT(error.what(), HasSubstr("--watchdog"));
    }
  }
  over.set_value();
}

TEST(Watchdog, LooksAtItsOwnThreadsOnly) {
  std::atomic<int> barks{0};
  {
    const ProbedThread probed("decode 0");
    const ProbeScope probe("decode");
    Watchdog watchdog(Seconds(0.01), {"rank 0"}, [&](const std::exception_ptr&) { ++barks; });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_EQ(barks, 0);
}

}  // namespace
}  // namespace lockstep::train::watchdog_test
