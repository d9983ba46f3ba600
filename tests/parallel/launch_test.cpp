#include "lockstep/parallel/launch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <thread>

#include "lockstep/base/error.h"
#include "lockstep/base/probe.h"
#include "lockstep/parallel/devices.h"
#include "tests/support/logged_lines.h"

namespace lockstep::parallel::launch_test {
namespace {

using testing::HasSubstr;

void stand_still() {
  const ProbeScope probe("forward");
  while (true) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

/// Ends the process as the program does, with the code of the error.
LaunchOptions leaving_options(Seconds timeout) {
  LaunchOptions options{.timeout = timeout, .grace = Seconds(0.2)};
  options.when_stuck = [](const std::exception_ptr& error) {
    try {
      std::rethrow_exception(error);
    } catch (const UserError& told) {
      std::cerr << "ended: " << told.what() << std::endl;
      std::_Exit(static_cast<int>(told.code()));
    }
  };
  return options;
}

class LaunchDeathTest : public testing::Test {
 protected:
  LaunchDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(LaunchDeathTest, ARankThatNeverComesBackEndsTheProgram) {
  const auto wait_in_vain = [] {
    launch(parse_devices("cpu:3"), leaving_options(Seconds(0.3)), [](Rank& rank) {
      if (rank.index == 1) {
        stand_still();
      }
      rank.group.barrier();
    });
  };
  EXPECT_EXIT(
      wait_in_vain(), testing::ExitedWithCode(5),
      "rank 1 does not end; it is left at: forward(.|\n)*ended: rank . waited .* for rank 1, which is at: forward");
}

TEST_F(LaunchDeathTest, AnErrorOfARankEndsTheProgramThoughAnotherNeverComesBack) {
  const auto fail_beside_it = [] {
    launch(parse_devices("cpu:2"), leaving_options(Seconds(600)), [](Rank& rank) {
      if (rank.index == 1) {
        stand_still();
      }
      throw DataError("photo.png is empty", "remove it");
    });
  };
  EXPECT_EXIT(fail_beside_it(), testing::ExitedWithCode(3), "ended: photo.png is empty");
}

TEST(Launch, WaitsForARankThatIsLateButGetsOn) {
  const test::LoggedLines lines;
  LaunchOptions options{.timeout = Seconds(60), .grace = Seconds(60)};
  bool left = false;
  options.when_stuck = [&](const std::exception_ptr&) { left = true; };
  bool came = false;
  const auto body = [&](Rank& rank) {
    if (rank.index == 0) {
      throw DataError("photo.png is empty", "remove it");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(300));  // several looks of the one who waits
    came = true;
    rank.group.barrier();
  };
  EXPECT_THROW(launch(parse_devices("cpu:2"), options, body), DataError);
  EXPECT_TRUE(came);
  EXPECT_FALSE(left);
  EXPECT_THAT(lines.text(), testing::Not(HasSubstr("does not end")));
}

}  // namespace
}  // namespace lockstep::parallel::launch_test
