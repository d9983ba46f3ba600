#include "lockstep/data/color.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "lockstep/base/files.h"
#include "lockstep/base/random.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::data {
namespace {

std::vector<std::uint8_t> noise(std::size_t count) {
  RandomStream random({9, Purpose::kAugment, 0, 0, 0});
  std::vector<std::uint8_t> values(count);
  for (std::uint8_t& value : values) {
    value = static_cast<std::uint8_t>(random.below(256));
  }
  return values;
}

TEST(Color, EqualsTorchvision) {
  if (!test::python_has({"torch", "torchvision"})) {
    GTEST_SKIP() << "torchvision is not installed";
  }
  const test::TempFolder folder;
  const std::vector<std::uint8_t> pixels = noise(60 * 50 * 3);
  write_file_atomically(folder / "in", std::as_bytes(std::span(pixels)));
  const test::ProcessResult result =
      test::run_python("tests/data/color_reference.py", {folder / "in", folder / "out", "0", "0.6", "0.93", "1.4"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const std::vector<std::byte> expected = read_file(folder / "out");
  ASSERT_EQ(expected.size(), 4 * 3 * pixels.size());
  std::size_t offset = 0;
  for (const float factor : {0.0F, 0.6F, 0.93F, 1.4F}) {
    for (const auto adjust : {adjust_brightness, adjust_contrast, adjust_saturation}) {
      std::vector<std::uint8_t> changed = pixels;
      adjust(changed, factor);
      int worst = 0;
      for (const std::uint8_t value : changed) {
        worst = std::max(worst, std::abs(value - static_cast<int>(expected[offset++])));
      }
      EXPECT_LE(worst, 1) << "factor " << factor;
    }
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

}  // namespace
}  // namespace lockstep::data
