#include "lockstep/data/kept_size.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace lockstep::data {
namespace {

TEST(KeptSize, DividesAsLongAsTheSmallestCropHasEnough) {
  EXPECT_EQ(decode_denominator({352, 400}, 352), 1);
  EXPECT_EQ(decode_denominator({703, 900}, 352), 1);
  EXPECT_EQ(decode_denominator({704, 900}, 352), 2);
  EXPECT_EQ(decode_denominator({900, 1408}, 352), 2);
  EXPECT_EQ(decode_denominator({1408, 1408}, 352), 4);
  EXPECT_EQ(decode_denominator({2816, 5000}, 352), 8);
  EXPECT_EQ(decode_denominator({100, 100}, 352), 1);
}

TEST(KeptSize, IsThatOfDecodingWhereTheDecoderReduces) {
  const KeptPlan plan = plan_kept({1601, 1200}, {848, 848}, 352, true);
  EXPECT_EQ(plan.denominator, 2);
  EXPECT_EQ(plan.size, (media::ImageSize{801, 600}));
}

TEST(KeptSize, LeavesEachCropTwiceItsPixelsWhereItIsScaled) {
  for (const int width : {400, 640, 1024, 1600, 4032, 20000}) {
    const media::ImageSize size{width, width * 3 / 4};
    const media::ImageSize smallest{width * 53 / 100, width * 53 / 100};
    for (const bool is_reducible : {false, true}) {
      const KeptPlan plan = plan_kept(size, smallest, 224, is_reducible);
      EXPECT_LE((plan.size.width - 1) * plan.denominator, size.width);
      EXPECT_LE((plan.size.height - 1) * plan.denominator, size.height);
      const double crop = static_cast<double>(smallest.width) * plan.size.width / size.width;
      EXPECT_GE(crop, std::min(is_reducible && width < 20000 ? 224 : 2 * 224, smallest.width)) << width;
      EXPECT_LE(crop, 2.51 * 224) << width;
      EXPECT_EQ(plan.denominator > 1, is_reducible && width > 640);
    }
  }
}

TEST(KeptSize, NeverEnlarges) {
  const KeptPlan plan = plan_kept({300, 200}, {150, 140}, 352, true);
  EXPECT_EQ(plan.denominator, 1);
  EXPECT_EQ(plan.size, (media::ImageSize{300, 200}));
  EXPECT_EQ(plan_kept_whole({500, 200}, 352, true).size, (media::ImageSize{500, 200}));
}

TEST(KeptSize, AWholePictureIsKeptAsTheSquareThatItBecomes) {
  const KeptPlan plan = plan_kept_whole({1500, 1000}, 352, true);
  EXPECT_EQ(plan.denominator, 2);
  EXPECT_EQ(plan.size, (media::ImageSize{352, 352}));
  EXPECT_EQ(plan_kept_whole({1500, 1000}, 352, false).denominator, 1);
}

}  // namespace
}  // namespace lockstep::data
