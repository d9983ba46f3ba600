#include "lockstep/base/duration.h"

#include <gtest/gtest.h>

#include "lockstep/base/error.h"

namespace lockstep::duration_test {
namespace {

TEST(ADuration, IsReadInTheUnitsOfAClock) {
  EXPECT_EQ(parse_duration("--quota", "300"), 300);
  EXPECT_EQ(parse_duration("--quota", "0.5"), 0.5);
  EXPECT_EQ(parse_duration("--quota", "45m"), 45 * 60);
  EXPECT_EQ(parse_duration("--quota", "11h30m"), 11 * 3600 + 30 * 60);
  EXPECT_EQ(parse_duration("--quota", "1.5h"), 5400);
  EXPECT_EQ(parse_duration("--quota", "2d1s"), 2 * 86400 + 1);
}

TEST(ADuration, OfOtherWordsIsRefusedWithTheNameOfTheFlag) {
  for (const char* words : {"", "h", "1x", "30m11h", "1h1h", "1h30", "-5", "-5m", "0", "0h", "1 h", "inf", "nan",
                            "1e9h", "0x10", "+5", ".5", "5m ", "m5"}) {
    try {
      parse_duration("--quota", words);
      ADD_FAILURE() << words << " was taken";
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find("--quota"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace lockstep::duration_test
