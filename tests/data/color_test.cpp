#include "lockstep/data/color.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "lockstep/base/files.h"
#include "lockstep/base/random.h"
#include "lockstep/base/text.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::data::color_test {
namespace {

std::vector<std::uint8_t> noise(std::size_t count) {
  RandomStream random({9, Purpose::kAugment, 0, 0, 0});
  std::vector<std::uint8_t> values(count);
  for (std::uint8_t& value : values) {
    value = static_cast<std::uint8_t>(random.below(256));
  }
  return values;
}

/// Noise, greys, and pure colours: more than a tile of pixels, and no whole number of vectors.
std::vector<std::uint8_t> colours() {
  std::vector<std::uint8_t> pixels = noise(3 * 4001);
  for (int level = 0; level < 256; ++level) {
    const auto value = static_cast<std::uint8_t>(level);
    for (const std::uint8_t each :
         {value, value, value, value, std::uint8_t{0}, value, std::uint8_t{255}, value, value}) {
      pixels.push_back(each);
    }
  }
  return pixels;
}

class ColorParity : public ::testing::Test {
 protected:
  /// The greatest difference to torchvision, and the share of values that differ.
  void expect_near(const std::vector<ColourChange>& changes, int most, double share) {
    if (!test::python_has({"torch", "torchvision"})) {
      GTEST_SKIP() << "torchvision is not installed";
    }
    const std::vector<std::uint8_t> pixels = colours();
    write_file_atomically(folder_ / "in", std::as_bytes(std::span(pixels)));
    std::vector<std::string> arguments{folder_ / "in", folder_ / "out"};
    for (const ColourChange& c : changes) {
      arguments.push_back(text(c.brightness, ",", c.contrast, ",", c.saturation, ",", c.hue));
    }
    const test::ProcessResult result = test::run_python("tests/data/color_reference.py", arguments);
    ASSERT_EQ(result.exit_code, 0) << result.errors;
    const std::vector<std::byte> expected = read_file(folder_ / "out");
    ASSERT_EQ(expected.size(), changes.size() * pixels.size());
    for (std::size_t i = 0; i < changes.size(); ++i) {
      SCOPED_TRACE(arguments[i + 2]);
      std::vector<std::uint8_t> changed = pixels;
      change_colours(changed, changes[i]);
      compare(changed, std::span(expected).subspan(i * pixels.size()), most, share);
    }
  }

 private:
  static void compare(std::span<const std::uint8_t> values, std::span<const std::byte> expected, int most,
                      double share) {
    int worst = 0;
    int differing = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const int difference = std::abs(values[i] - static_cast<int>(expected[i]));
      worst = std::max(worst, difference);
      differing += difference > 0 ? 1 : 0;
    }
    EXPECT_LE(worst, most);
    EXPECT_LE(differing, share * static_cast<double>(values.size()));
  }

  test::TempFolder folder_;
};

TEST_F(ColorParity, OneChangeEqualsTorchvisions) {
  std::vector<ColourChange> changes;
  for (const float factor : {0.0F, 0.6F, 0.93F, 1.4F}) {
    changes.push_back({.brightness = factor});
    changes.push_back({.contrast = factor});
    changes.push_back({.saturation = factor});
  }
  expect_near(changes, 1, 0.001);
}

TEST_F(ColorParity, AChainOfChangesEqualsTorchvisions) {
  expect_near({{0.6F, 1.4F, 1.4F}, {1.37F, 0.61F, 0.83F}, {0.81F, 0.93F, 1.21F}, {1.4F, 1.4F, 0.6F}}, 1, 0.001);
}

TEST_F(ColorParity, ATurnOfTheHueIsNearTorchvisions) {
  expect_near({{.hue = 0.1F}, {.hue = -0.1F}, {.hue = 0.5F}, {.hue = -0.5F}, {.hue = 0.013F}}, 1, 0.01);
  expect_near({{1.2F, 0.8F, 1.3F, -0.23F}}, 2, 0.01);
}

TEST(Color, IsTheSameInOneGoAsInSteps) {
  const ColourChange change{0.7F, 1.3F, 1.2F, 0.2F};
  std::vector<std::uint8_t> together = colours();
  std::vector<std::uint8_t> steps = together;
  change_colours(together, change);
  adjust_brightness(steps, change.brightness);
  adjust_contrast(steps, change.contrast);
  adjust_saturation(steps, change.saturation);
  adjust_hue(steps, change.hue);
  EXPECT_EQ(together, steps);
}

TEST(Color, ChangesEachPixelAlikeWhereverItStands) {
  const std::vector<std::uint8_t> pixels = colours();
  std::vector<std::uint8_t> all = pixels;
  change_colours(all, {.brightness = 1.1F, .saturation = 0.7F, .hue = -0.3F});
  for (const std::size_t at : {std::size_t{0}, std::size_t{5}, std::size_t{1023}, std::size_t{1024}}) {
    std::vector<std::uint8_t> one(pixels.begin() + static_cast<std::ptrdiff_t>(3 * at),
                                  pixels.begin() + static_cast<std::ptrdiff_t>(3 * at + 3));
    change_colours(one, {.brightness = 1.1F, .saturation = 0.7F, .hue = -0.3F});
    EXPECT_TRUE(std::equal(one.begin(), one.end(), all.begin() + static_cast<std::ptrdiff_t>(3 * at))) << at;
  }
}

TEST(Color, AFactorOfOneChangesNothing) {
  const std::vector<std::uint8_t> pixels = noise(300);
  for (const auto adjust : {adjust_brightness, adjust_contrast, adjust_saturation}) {
    std::vector<std::uint8_t> changed = pixels;
    adjust(changed, 1.0F);
    EXPECT_EQ(changed, pixels);
  }
}

TEST(Color, AGreyHasNoHueToTurn) {
  std::vector<std::uint8_t> greys = noise(300);
  for (std::size_t i = 0; i < greys.size(); i += 3) {
    greys[i + 1] = greys[i + 2] = greys[i];
  }
  std::vector<std::uint8_t> changed = greys;
  adjust_hue(changed, 0.25F);
  EXPECT_EQ(changed, greys);
}

TEST(Color, TurnsRedIntoGreenIntoBlue) {
  std::vector<std::uint8_t> pixel{200, 0, 0};
  adjust_hue(pixel, 1.0F / 3);
  EXPECT_EQ(pixel, (std::vector<std::uint8_t>{0, 200, 0}));
  adjust_hue(pixel, 1.0F / 3);
  EXPECT_EQ(pixel, (std::vector<std::uint8_t>{0, 0, 200}));
}

TEST(Color, RefusesFactorsOutOfRange) {
  std::vector<std::uint8_t> pixel{1, 2, 3};
  EXPECT_THROW(adjust_brightness(pixel, -0.1F), std::logic_error);
  EXPECT_THROW(adjust_hue(pixel, 0.6F), std::logic_error);
}

}  // namespace
}  // namespace lockstep::data::color_test
