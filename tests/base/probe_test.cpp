#include "lockstep/base/probe.h"

#include <gtest/gtest.h>

#include <optional>

namespace lockstep::probe_test {
namespace {

ProbeReading own_reading() {
  for (const ProbeReading& reading : read_probes()) {
    if (reading.thread == "rank 7") {
      return reading;
    }
  }
  return {};
}

TEST(Probe, ShowsTheInnermostScopeWithItsNumber) {
  const ProbedThread thread("rank 7");
  EXPECT_EQ(read_probe("rank 7"), "idle");
  {
    const ProbeScope outer("backward");
    {
      const ProbeScope inner("all-reduce of bucket", 3);
      EXPECT_EQ(read_probe("rank 7"), "all-reduce of bucket 3");
    }
    EXPECT_EQ(read_probe("rank 7"), "backward");
  }
  EXPECT_EQ(read_probe("rank 7"), "idle");
  EXPECT_EQ(read_probe("rank 8"), "gone");
}

TEST(Probe, NamesWhatItIsAtAndWhetherItIsAtAnything) {
  const ProbedThread thread("rank 7");
  EXPECT_TRUE(own_reading().is_idle);
  const ProbeScope scope("decode", "photo-7.jpg");
  EXPECT_EQ(own_reading().activity, "decode photo-7.jpg");
  EXPECT_FALSE(own_reading().is_idle);
}

TEST(Probe, TellsAMeetingFromWork) {
  const ProbedThread thread("rank 7");
  const ProbeScope outer("backward");
  EXPECT_FALSE(own_reading().is_meeting);
  {
    const MeetingScope meeting("barrier");
    EXPECT_TRUE(own_reading().is_meeting);
  }
  EXPECT_FALSE(own_reading().is_meeting);
}

TEST(Probe, CountsTheTimeSinceTheLastChange) {
  const ProbedThread thread("rank 7");
  std::optional<ProbeScope> scope;
  const Stopwatch since_before;
  scope.emplace("forward");
  const Stopwatch since_after;
  while (since_after.seconds() < 0.01) {
  }
  const double least = since_after.seconds();
  const double seconds = own_reading().seconds;
  EXPECT_GE(seconds, least);
  EXPECT_LE(seconds, since_before.seconds());
  const Stopwatch since_end;
  scope.reset();
  const double idle = own_reading().seconds;  // before the clock is looked at again
  EXPECT_LE(idle, since_end.seconds());
}

}  // namespace
}  // namespace lockstep::probe_test
