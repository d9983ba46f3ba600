#include "lockstep/observe/chart_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lockstep::observe::chart_file_test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(ChartFile, IsADrawingThatStandsAlone) {
  const std::string svg = chart_as_svg_file({"a < b", "epoch", {{"lr", {0, 1}, {0.5, 1}}}});
  EXPECT_THAT(svg, StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_THAT(svg, HasSubstr(">a &lt; b</text>"));
  EXPECT_THAT(svg, HasSubstr("<path class=\"curve c0\""));
  EXPECT_THAT(svg, Not(HasSubstr("var(")));
}

TEST(ChartFile, NamesSeveralCurves) {
  const Series first{"stage 1", {0, 1}, {1, 0}, 0};
  const Series second{"stage 2", {1, 2}, {1, 0}, 1};
  EXPECT_THAT(chart_as_svg_file({"lr", "epoch", {first}}), Not(HasSubstr(">stage 1<")));
  const std::string svg = chart_as_svg_file({"lr", "epoch", {first, second}});
  EXPECT_THAT(svg, HasSubstr(">stage 1<"));
  EXPECT_THAT(svg, HasSubstr(">stage 2<"));
}

}  // namespace
}  // namespace lockstep::observe::chart_file_test
