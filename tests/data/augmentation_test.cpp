#include "lockstep/data/augmentation.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "lockstep/base/error.h"

namespace lockstep::data::augmentation_test {
namespace {

RandomStream stream(std::uint64_t sample) { return RandomStream({1, Purpose::kAugment, 0, sample, 0}); }

TEST(Augmentation, StaysWithinItsRanges) {
  const AugmentationOptions options;
  int flips = 0;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    RandomStream random = stream(i);
    const AugmentationPlan plan = plan_augmentation(options, {300, 200}, random);
    EXPECT_GE(plan.crop.x, 0);
    EXPECT_GE(plan.crop.y, 0);
    EXPECT_LE(plan.crop.x + plan.crop.width, 300);
    EXPECT_LE(plan.crop.y + plan.crop.height, 200);
    EXPECT_NEAR(plan.crop.width * plan.crop.height, 0.75 * 60000, 0.26 * 60000);
    EXPECT_NEAR(static_cast<double>(plan.crop.width) / plan.crop.height, 1.04, 0.3);
    for (const float factor : {plan.colours.brightness, plan.colours.contrast, plan.colours.saturation}) {
      EXPECT_NEAR(factor, 1.0F, 0.4F + 1e-6F);
    }
    flips += plan.flip ? 1 : 0;
  }
  EXPECT_NEAR(flips, 1000, 112);  // five standard deviations
}

TEST(Augmentation, KnowsTheSmallestCrop) {
  const AugmentationOptions options;
  for (const media::ImageSize size : {media::ImageSize{300, 200}, {640, 480}, {97, 31}, {40, 160}, {1000, 30}}) {
    const media::ImageSize least = smallest_crop(options, size);
    media::ImageSize drawn = size;
    for (std::uint64_t i = 0; i < 20000; ++i) {
      RandomStream random = stream(i);
      const media::Rect crop = plan_augmentation(options, size, random).crop;
      drawn = {std::min(drawn.width, crop.width), std::min(drawn.height, crop.height)};
    }
    EXPECT_LE(least.width, drawn.width);
    EXPECT_LE(least.height, drawn.height);
    EXPECT_NEAR(least.width, drawn.width, 0.03 * size.width) << size.width << "x" << size.height;
    EXPECT_NEAR(least.height, drawn.height, 0.03 * size.height) << size.width << "x" << size.height;
  }
}

TEST(Augmentation, TakesTheMiddleOfAnImageThatNoCropFits) {
  AugmentationOptions options;
  options.min_scale = 0.9;
  RandomStream random = stream(0);
  const media::Rect crop = plan_augmentation(options, {1000, 30}, random).crop;
  EXPECT_EQ(crop.width, 40);
  EXPECT_EQ(crop.height, 30);
  EXPECT_EQ(crop.x, 480);
  EXPECT_EQ(crop.y, 0);
}

TEST(Augmentation, LeavesColoursAloneAtStrengthZero) {
  AugmentationOptions options;
  options.brightness = options.contrast = options.saturation = 0.0;
  RandomStream random = stream(0);
  const AugmentationPlan plan = plan_augmentation(options, {10, 10}, random);
  EXPECT_EQ(plan.colours.brightness, 1.0F);
  EXPECT_EQ(plan.colours.contrast, 1.0F);
  EXPECT_EQ(plan.colours.saturation, 1.0F);
  EXPECT_EQ(plan.colours.hue, 0.0F);
}

TEST(Augmentation, TurnsTheHueWithoutChangingTheOtherDraws) {
  AugmentationOptions options;
  options.hue = 0.1;
  float lowest = 1.0F;
  float highest = -1.0F;
  for (std::uint64_t i = 0; i < 500; ++i) {
    RandomStream with = stream(i);
    RandomStream without = stream(i);
    const AugmentationPlan turned = plan_augmentation(options, {300, 200}, with);
    AugmentationPlan plain = plan_augmentation(AugmentationOptions{}, {300, 200}, without);
    EXPECT_EQ(plain.colours.hue, 0.0F);
    plain.colours.hue = turned.colours.hue;
    EXPECT_EQ(turned.colours, plain.colours);
    EXPECT_EQ(turned.crop.x, plain.crop.x);
    EXPECT_EQ(turned.flip, plain.flip);
    lowest = std::min(lowest, turned.colours.hue);
    highest = std::max(highest, turned.colours.hue);
  }
  EXPECT_NEAR(lowest, -0.1F, 0.005F);
  EXPECT_NEAR(highest, 0.1F, 0.005F);
}

TEST(Augmentation, RefusesOptionsOutOfRange) {
  AugmentationOptions options;
  options.min_scale = 1.5;
  EXPECT_THROW(options.validate(), UsageError);
  options = {};
  options.hue = 0.6;
  EXPECT_THROW(options.validate(), UsageError);
}

}  // namespace
}  // namespace lockstep::data::augmentation_test
