#include "lockstep/observe/time_account.h"

#include <gtest/gtest.h>

namespace lockstep::observe::time_account_test {
namespace {

PartSeconds seconds_of(double wait, double forward, double backward, double reduce) {
  PartSeconds seconds;
  seconds[Part::kWait] = wait;
  seconds[Part::kForward] = forward;
  seconds[Part::kBackward] = backward;
  seconds[Part::kReduce] = reduce;
  return seconds;
}

TEST(TimeAccount, TellsTheSharesFromTheLargestOn) {
  EXPECT_EQ(describe_shares(seconds_of(6, 38, 55.6, 0.4)), "backward 56 %, forward 38 %, wait for data 6 %");
  EXPECT_EQ(describe_shares(PartSeconds()), "");
}

TEST(TimeAccount, IsThatOfTheRankWhichWaitedLeastForTheOthers) {
  const std::vector<PartSeconds> ranks{seconds_of(0, 3, 3, 4), seconds_of(0, 5, 4, 1), seconds_of(2, 3, 3, 2)};
  EXPECT_EQ(pace_setter(ranks), 1U);
  EXPECT_EQ(describe_epoch(7, 10.04, ranks),
            "epoch 7: 10.0 s: forward 50 %, backward 40 %, reduction and wait for ranks 10 %; of rank 1, which waited "
            "least for the others");
  EXPECT_EQ(describe_epoch(1, 0.25, {seconds_of(0.05, 0.2, 0, 0)}), "epoch 1: 0.2 s: forward 80 %, wait for data 20 %");
}

}  // namespace
}  // namespace lockstep::observe::time_account_test
