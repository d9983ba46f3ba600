#include "lockstep/base/printable.h"

#include <gtest/gtest.h>

namespace lockstep::printable_test {
namespace {

TEST(Printable, LeavesPlainWordsAlone) { EXPECT_EQ(printable("encoder.weight ~!"), "encoder.weight ~!"); }

TEST(Printable, ShowsNothingThatATerminalWouldObey) {
  EXPECT_EQ(printable("a\x1b[2Jb\nc\x7f"), "a?[2Jb?c?");
  EXPECT_EQ(printable("\x80\x9b\xff"), "???");
}

TEST(Printable, IsShort) {
  const std::string shown = printable(std::string(201, 'x'));
  EXPECT_EQ(shown, std::string(200, 'x') + "…");
  EXPECT_EQ(printable(std::string(200, 'x')), std::string(200, 'x'));
}

}  // namespace
}  // namespace lockstep::printable_test
