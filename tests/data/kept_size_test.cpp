#include "lockstep/data/kept_size.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace lockstep::data::kept_size_test {
namespace {

TEST(KeptSize, DecodingHalvesAsLongAsTheSmallestCropHasEnough) {
  EXPECT_EQ(quick_eighths({352, 400}, 352), 8);
  EXPECT_EQ(quick_eighths({703, 900}, 352), 8);
  EXPECT_EQ(quick_eighths({704, 900}, 352), 4);
  EXPECT_EQ(quick_eighths({900, 1408}, 352), 4);
  EXPECT_EQ(quick_eighths({1408, 1408}, 352), 2);
  EXPECT_EQ(quick_eighths({2816, 5000}, 352), 1);
  EXPECT_EQ(quick_eighths({100, 100}, 352), 8);
}

TEST(KeptSize, IsOfTheFewestEighthsThatLeaveEnoughWhereTheDecoderReduces) {
  const KeptPlan halved = plan_kept({1601, 1200}, {848, 848}, 352, true);
  EXPECT_EQ(halved.eighths, 4);
  EXPECT_EQ(halved.size, (media::ImageSize{801, 600}));
  const KeptPlan plan = plan_kept({1024, 769}, {543, 543}, 352, true);
  EXPECT_EQ(plan.eighths, 6);
  EXPECT_EQ(plan.size, (media::ImageSize{768, 577}));
  EXPECT_EQ(plan_kept({1024, 768}, {564, 564}, 352, true).eighths, 5);
  EXPECT_EQ(plan_kept({1024, 768}, {563, 563}, 352, true).eighths, 6);
}

TEST(KeptSize, LeavesEachCropTwiceItsPixelsWhereItIsScaled) {
  for (const int width : {400, 640, 1024, 1600, 4032, 20000}) {
    const media::ImageSize size{width, width * 3 / 4};
    const media::ImageSize smallest{width * 53 / 100, width * 53 / 100};
    for (const bool is_reducible : {false, true}) {
      const KeptPlan plan = plan_kept(size, smallest, 224, is_reducible);
      EXPECT_LE(8 * (plan.size.width - 1), plan.eighths * size.width);
      EXPECT_LE(8 * (plan.size.height - 1), plan.eighths * size.height);
      const double crop = static_cast<double>(smallest.width) * plan.size.width / size.width;
      EXPECT_GE(crop, std::min(is_reducible && width < 20000 ? 224 : 2 * 224, smallest.width)) << width;
      EXPECT_LE(crop, 2.51 * 224) << width;
      EXPECT_EQ(plan.eighths < 8, is_reducible && width > 400);
    }
  }
}

TEST(KeptSize, NeverEnlarges) {
  const KeptPlan plan = plan_kept({300, 200}, {150, 140}, 352, true);
  EXPECT_EQ(plan.eighths, 8);
  EXPECT_EQ(plan.size, (media::ImageSize{300, 200}));
  EXPECT_EQ(plan_kept_whole({500, 200}, 352, true).size, (media::ImageSize{500, 200}));
}

TEST(KeptSize, AWholePictureIsKeptAsTheSquareThatItBecomes) {
  const KeptPlan plan = plan_kept_whole({1500, 1000}, 352, true);
  EXPECT_EQ(plan.eighths, 4);
  EXPECT_EQ(plan.size, (media::ImageSize{352, 352}));
  EXPECT_EQ(plan_kept_whole({1500, 1000}, 352, false).eighths, 8);
}

}  // namespace
}  // namespace lockstep::data::kept_size_test
