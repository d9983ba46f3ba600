#include "lockstep/base/work_meter.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

#include "lockstep/base/clock.h"

namespace lockstep::work_meter_test {
namespace {

using std::chrono::milliseconds;

TEST(WorkMeter, WhatIsInsideAScopeCountsThereAndNotOutside) {
  const WorkMeter meter;
  const Stopwatch watch;
  {
    const WorkScope outer("outer");
    std::this_thread::sleep_for(milliseconds(2));
    {
      const WorkScope inner("inner");
      std::this_thread::sleep_for(milliseconds(20));
    }
  }
  const double all = watch.seconds();
  const auto times = meter.times();
  ASSERT_EQ(times.size(), 2U);
  EXPECT_GE(times.at("inner").seconds, 0.020);
  EXPECT_GE(times.at("outer").seconds, 0.002);
  EXPECT_LE(times.at("inner").seconds + times.at("outer").seconds, all);
}

TEST(WorkMeter, TellsWorkFromWaiting) {
  const WorkMeter meter;
  {
    const WorkScope scope("sleep");
    std::this_thread::sleep_for(milliseconds(30));
  }
  EXPECT_LT(meter.times().at("sleep").cpu_seconds, 0.5 * meter.times().at("sleep").seconds);
}

TEST(WorkMeter, AddsUpAllThreads) {
  const WorkMeter meter;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([] {
        const WorkScope scope("sleep");
        std::this_thread::sleep_for(milliseconds(5));
      });
    }
  }
  EXPECT_GE(meter.times().at("sleep").seconds, 0.020);
}

TEST(WorkMeter, NothingIsCollectedWithoutOne) {
  { const WorkScope scope("before"); }
  const WorkMeter meter;
  EXPECT_TRUE(meter.times().empty());
}

}  // namespace
}  // namespace lockstep::work_meter_test
