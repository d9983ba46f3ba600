#include "lockstep/base/comma_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lockstep::comma_list_test {
namespace {

TEST(CommaList, IsSplitAtItsCommasAndLosesTheBlanksAroundWords) {
  EXPECT_THAT(split_at_commas(" a, b c ,d"), testing::ElementsAre("a", "b c", "d"));
  EXPECT_THAT(split_at_commas("a,,b"), testing::ElementsAre("a", "", "b"));
  EXPECT_THAT(split_at_commas("a, "), testing::ElementsAre("a", ""));
  EXPECT_THAT(split_at_commas(""), testing::ElementsAre());
}

}  // namespace
}  // namespace lockstep::comma_list_test
