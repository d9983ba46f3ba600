#include "lockstep/cli/leave.h"

#include <gtest/gtest.h>

#include <iostream>
#include <stdexcept>

#include "lockstep/parallel/core/rendezvous.h"

namespace lockstep::cli {
namespace {

class LeaveDeathTest : public testing::Test {
 protected:
  LeaveDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

const std::exception_ptr& standstill() {
  static const auto error = std::make_exception_ptr(TrainingError("rank 1 stands still", "see why"));
  return error;
}

TEST_F(LeaveDeathTest, EndsWithTheCodeOfTheErrorAfterTheLastWords) {
  EXPECT_EXIT(leave_at_once(standstill(), [] { std::cerr << "last words\n"; }), testing::ExitedWithCode(5),
              "^last words\nlockstep: error: rank 1 stands still; see why\n$");
}

TEST_F(LeaveDeathTest, EndsThoughTheLastWordsFail) {
  EXPECT_EXIT(leave_at_once(standstill(), [] { throw std::runtime_error("the disk is full"); }),
              testing::ExitedWithCode(5), "^lockstep: error: rank 1 stands still; see why\n$");
}

TEST_F(LeaveDeathTest, LeavesTheWordToTheProcessThatFailedFirst) {
  const auto error = std::make_exception_ptr(parallel::PeerFailed("rank 0 has no memory left"));
  EXPECT_EXIT(leave_at_once(error, [] {}), testing::ExitedWithCode(5), "^$");
}

}  // namespace
}  // namespace lockstep::cli
