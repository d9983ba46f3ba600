#include "lockstep/media/resize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "lockstep/base/files.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::media {
namespace {

template <typename T>
std::vector<T> read_values(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path);
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

int largest_difference(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) {
  int largest = a.size() == b.size() ? 0 : 256;
  for (std::size_t i = 0; largest < 256 && i < a.size(); ++i) {
    largest = std::max(largest, std::abs(a[i] - b[i]));
  }
  return largest;
}

class ResizeParity : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!test::python_has({"torch", "PIL", "numpy"})) {
      GTEST_SKIP() << "needs PyTorch and Pillow";
    }
    const test::ProcessResult made = test::run_python("tests/media/make_resizes.py", {folder_.path()});
    ASSERT_EQ(made.exit_code, 0) << made.errors;
  }

  std::filesystem::path file(int number, const std::string& kind) const {
    return folder_ / (std::to_string(number) + "." + kind);
  }

  test::TempFolder folder_;
};

TEST_F(ResizeParity, HasTheBitsOfPillowAndIsNearPyTorch) {
  std::ifstream cases(folder_ / "pixels.txt");
  int count = 0;
  Image source;
  Rect crop;
  int width = 0;
  int height = 0;
  bool flip = false;
  for (; cases >> source.width >> source.height >> source.channels >> crop.x >> crop.y >> crop.width >> crop.height >>
         width >> height >> flip;
       ++count) {
    SCOPED_TRACE(count);
    source.pixels = read_values<std::uint8_t>(file(count, "source"));
    std::vector<std::uint8_t> result(static_cast<std::size_t>(width * height * source.channels));
    resize(source, crop, width, height, flip, result);
    EXPECT_EQ(largest_difference(result, read_values<std::uint8_t>(file(count, "pillow"))), 0);
    EXPECT_LE(largest_difference(result, read_values<std::uint8_t>(file(count, "torch"))), 1);
    resize_nearest(source, crop, width, height, flip, result);
    EXPECT_EQ(result, read_values<std::uint8_t>(file(count, "nearest")));
  }
  EXPECT_EQ(count, 8);
}

TEST_F(ResizeParity, ScalesPlanesAsPyTorch) {
  std::ifstream cases(folder_ / "planes.txt");
  int count = 0;
  ImageSize from;
  ImageSize to;
  for (; cases >> from.width >> from.height >> to.width >> to.height; ++count) {
    SCOPED_TRACE(count);
    const auto plane = read_values<float>(file(count, "plane"));
    const auto expected = read_values<float>(file(count, "scaled"));
    const auto scaled = resize_bilinear(plane, from.width, from.height, to.width, to.height);
    ASSERT_EQ(scaled.size(), expected.size());
    for (std::size_t i = 0; i < scaled.size(); ++i) {
      ASSERT_NEAR(scaled[i], expected[i], 1e-6) << "value " << i;
    }
  }
  EXPECT_EQ(count, 5);
}

TEST(Resize, LeavesAnImageOfTheRightSizeAsItIs) {
  Image image(3, 2, 1);
  image.pixels = {0, 50, 255, 7, 8, 9};
  std::vector<std::uint8_t> result(6);
  resize(image, {0, 0, 3, 2}, 3, 2, false, result);
  EXPECT_EQ(result, image.pixels);
  resize(image, {0, 0, 3, 2}, 3, 2, true, result);
  EXPECT_EQ(result, (std::vector<std::uint8_t>{255, 50, 0, 9, 8, 7}));
}

TEST(Resize, KeepsWhiteWhiteHoweverManyPixelsAreSummed) {
  Image image(65500, 1, 1);
  std::fill(image.pixels.begin(), image.pixels.end(), std::uint8_t{255});
  std::vector<std::uint8_t> result(1);
  resize(image, {0, 0, 65500, 1}, 1, 1, false, result);
  EXPECT_NEAR(result[0], 255, 1);
}

TEST(ResizeNearest, InventsNoNewValues) {
  Image mask(2, 1, 1);
  mask.pixels = {0, 255};
  std::vector<std::uint8_t> result(5);
  resize_nearest(mask, {0, 0, 2, 1}, 5, 1, false, result);
  EXPECT_EQ(result, (std::vector<std::uint8_t>{0, 0, 255, 255, 255}));
}

TEST(Resize, RefusesACropOutsideOfTheImage) {
  std::vector<std::uint8_t> result(4);
  EXPECT_THROW(resize(Image(4, 4, 1), {2, 0, 3, 4}, 2, 2, false, result), std::logic_error);
  EXPECT_THROW(resize(Image(4, 4, 1), {0, 0, 4, 4}, 3, 2, false, result), std::logic_error);
}

}  // namespace
}  // namespace lockstep::media
