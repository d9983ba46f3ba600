#include "lockstep/base/program_age.h"

#include <gtest/gtest.h>

namespace lockstep::program_age_test {
namespace {

TEST(TheAgeOfTheProgram, GrowsFromBeforeItWasFirstAsked) {
  const double first = program_age_seconds();
  EXPECT_GE(first, 0);
  EXPECT_LT(first, 86400) << "of a test that has just begun";
  EXPECT_GE(program_age_seconds(), first);
}

}  // namespace
}  // namespace lockstep::program_age_test
