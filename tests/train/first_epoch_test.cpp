#include "lockstep/train/first_epoch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lockstep::train::first_epoch_test {
namespace {

using observe::Part;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// An epoch of four ranks' steps, of which the first rank spent 10 s as given, and the rest computing.
FirstEpoch epoch_of(double utilisation, double wait, double reduce) {
  FirstEpoch first{.epoch = 0, .utilisation = 4 * utilisation, .count = 4};
  first.seconds[Part::kWait] = wait;
  first.seconds[Part::kReduce] = reduce;
  first.seconds[Part::kForward] = 10 - wait - reduce;
  return first;
}

TEST(VerdictOnTheFirstEpoch, BusyRanksNeedNoAdvice) {
  EXPECT_EQ(verdict_on(epoch_of(0.93, 0.4, 0.3)), "the ranks were busy for 93 % of their first epoch");
  EXPECT_THAT(verdict_on(epoch_of(0.85, 0.8, 0.7)), Not(HasSubstr("give")));
}

TEST(VerdictOnTheFirstEpoch, RanksThatWaitForDataNeedDecodeThreads) {
  EXPECT_THAT(verdict_on(epoch_of(0.5, 4, 1)), AllOf(HasSubstr("busy for 50 %"), HasSubstr("waited for data for 40 %"),
                                                     HasSubstr("--num-workers"), Not(HasSubstr("--batch-size"))));
}

TEST(VerdictOnTheFirstEpoch, RanksThatWaitForOthersShouldMeetLessOften) {
  EXPECT_THAT(verdict_on(epoch_of(0.7, 1, 2)),
              AllOf(HasSubstr("busy for 70 %"), HasSubstr("waited for the others for 20 %"), HasSubstr("--batch-size"),
                    Not(HasSubstr("--num-workers"))));
}

}  // namespace
}  // namespace lockstep::train::first_epoch_test
