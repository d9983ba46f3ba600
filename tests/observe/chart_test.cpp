#include "lockstep/observe/chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace lockstep::observe::chart_test {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST(TickDistance, IsARoundNumber) {
  EXPECT_DOUBLE_EQ(tick_distance(0, 1, 5), 0.2);
  EXPECT_DOUBLE_EQ(tick_distance(3, 17, 4), 5);
  EXPECT_DOUBLE_EQ(tick_distance(-150, 320, 5), 100);
  EXPECT_DOUBLE_EQ(tick_distance(0, 0.9, 1), 1);
}

TEST(LineChart, MarksTheScaleBelowAndAboveTheCurve) {
  const std::string html = line_chart({"IoU", "step", {{"val", {0, 40}, {0.152, 0.821}}}});
  for (const char* label : {">0.1<", ">0.2<", ">0.8<", ">0.9<", ">0<", ">40<"}) {
    EXPECT_THAT(html, HasSubstr(label));
  }
}

TEST(ThinOut, AveragesNeighboursAndPassesOverWhatIsNotFinite) {
  const Series thin = thin_out({"loss", {1, 2, 3, 4, 5, 6}, {1, 3, kNaN, 5, kNaN, kNaN}}, 3);
  EXPECT_THAT(thin.x, ElementsAre(1.5, 4, 5));
  EXPECT_THAT(thin.y, ElementsAre(2, 5, testing::IsNan()));
}

TEST(ThinOut, KeepsShortSeries) { EXPECT_THAT(thin_out({"loss", {1, 2}, {3, 4}}, 2).y, ElementsAre(3, 4)); }

TEST(Smooth, StartsAtTheFirstValueAndKeepsGaps) {
  const Series smoothed = smooth({"loss", {1, 2, 3}, {4, kNaN, 1}}, 0.5);
  EXPECT_THAT(smoothed.y, ElementsAre(DoubleEq(4), testing::IsNan(), DoubleEq(2)));  // (0.25 * 4 + 0.5 * 1) / 0.75
}

TEST(LineChart, BreaksTheCurveWhereAValueIsMissing) {
  const std::string html = line_chart({"Loss", "step", {{"loss", {0, 1, 2, 3}, {0, kNaN, 1, 0.5}}}});
  EXPECT_THAT(html, HasSubstr("d=\"M58.0 236.0M"));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
}

TEST(LineChart, DrawsASinglePointOrNone) {
  for (const std::vector<double>& y : {std::vector<double>{0.5}, std::vector<double>{0}, std::vector<double>{kNaN}}) {
    const std::string html = line_chart({"IoU", "step", {{"val", {10}, y}}});
    EXPECT_THAT(html, Not(HasSubstr("nan")));
    EXPECT_THAT(html, Not(HasSubstr("inf")));
    EXPECT_EQ(html.find("<circle") != std::string::npos, std::isfinite(y[0]));
  }
  EXPECT_THAT(line_chart({"IoU", "step", {}}), HasSubstr("</svg>"));
}

TEST(LineChart, EscapesItsWords) {
  const std::string html = line_chart({"<b>", "a & b", {{"x<y", {1}, {1}}, {"z", {1}, {1}}}});
  for (const char* escaped : {"&lt;b&gt;", "a &amp; b", "x&lt;y"}) {
    EXPECT_THAT(html, HasSubstr(escaped));
  }
}

TEST(LineChart, LabelsSmallAndLargeNumbersShortly) {
  const std::string html = line_chart({"lr", "step", {{"lr", {0, 50000}, {0, 2e-5}}}});
  EXPECT_THAT(html, HasSubstr(">50k<"));
  EXPECT_THAT(html, HasSubstr(">2.0e-05<"));
}

}  // namespace
}  // namespace lockstep::observe::chart_test
