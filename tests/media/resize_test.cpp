#include "lockstep/media/resize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "lockstep/base/files.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::media::resize_test {
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

/// Real photographs beside the project, where they are there.
std::vector<std::filesystem::path> photographs() {
  std::vector<std::filesystem::path> found;
  for (const char* folder : {"cats", "bccd", "chess"}) {
    const std::filesystem::path path = std::filesystem::path(LOCKSTEP_TEST_SOURCE_DIR) / "../shared/data" / folder;
    std::error_code missing;
    for (std::filesystem::recursive_directory_iterator entry(path, missing), end; entry != end; ++entry) {
      if (entry->path().extension() == ".jpg") {
        found.push_back(entry->path());
        break;
      }
    }
  }
  return found;
}

class ResizeParity : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!test::python_has({"torch", "PIL", "numpy"})) {
      GTEST_SKIP() << "needs PyTorch and Pillow";
    }
    std::vector<std::string> arguments{folder_.path()};
    for (const std::filesystem::path& photograph : photographs()) {
      arguments.push_back(photograph);
    }
    const test::ProcessResult made = test::run_python("tests/media/make_resizes.py", arguments);
    ASSERT_EQ(made.exit_code, 0) << made.errors;
  }

  template <typename T>
  std::vector<T> values(const std::string& list, int number, const std::string& kind) const {
    return read_values<T>(folder_ / (list + "." + std::to_string(number) + "." + kind));
  }

  /// Compares all cases of a list with Pillow and PyTorch, and gives their number.
  int compare(const std::string& list) const {
    std::ifstream cases(folder_ / (list + ".txt"));
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
      source.pixels = values<std::uint8_t>(list, count, "source");
      std::vector<std::uint8_t> result(static_cast<std::size_t>(width * height * source.channels));
      resize(source, crop, width, height, flip, result);
      EXPECT_LE(largest_difference(result, values<std::uint8_t>(list, count, "pillow")), 1);
      EXPECT_LE(largest_difference(result, values<std::uint8_t>(list, count, "torch")), 1);
      resize_nearest(source, crop, width, height, flip, result);
      EXPECT_EQ(result, values<std::uint8_t>(list, count, "nearest"));
    }
    return count;
  }

  test::TempFolder folder_;
};

TEST_F(ResizeParity, IsWithinOneLevelOfPillowAndPyTorch) { EXPECT_EQ(compare("pixels"), 15); }

TEST_F(ResizeParity, IsWithinOneLevelOfPillowAndPyTorchOnPhotographs) {
  if (photographs().empty()) {
    GTEST_SKIP() << "no photographs in ../shared/data";
  }
  EXPECT_EQ(compare("photographs"), 2 * static_cast<int>(photographs().size()));
}

TEST_F(ResizeParity, PlacesABoxOfFractionsOfPixelsAsPillow) {
  std::ifstream cases(folder_ / "boxes.txt");
  int count = 0;
  Image source;
  Box box;
  int width = 0;
  int height = 0;
  bool flip = false;
  for (; cases >> source.width >> source.height >> source.channels >> box.x >> box.y >> box.width >> box.height >>
         width >> height >> flip;
       ++count) {
    SCOPED_TRACE(count);
    source.pixels = values<std::uint8_t>("boxes", count, "source");
    std::vector<std::uint8_t> result(static_cast<std::size_t>(width * height * std::min(source.channels, 3)));
    resize(view_of(source), box, width, height, flip, result);
    EXPECT_LE(largest_difference(result, values<std::uint8_t>("boxes", count, "pillow")), 1);
  }
  EXPECT_EQ(count, 7);
}

TEST_F(ResizeParity, ScalesPlanesAsPyTorch) {
  std::ifstream cases(folder_ / "planes.txt");
  int count = 0;
  ImageSize from;
  ImageSize to;
  for (; cases >> from.width >> from.height >> to.width >> to.height; ++count) {
    SCOPED_TRACE(count);
    const auto plane = values<float>("planes", count, "plane");
    const auto expected = values<float>("planes", count, "scaled");
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

TEST(Resize, SeesOnlyTheView) {
  Image image(64, 48, 3);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    image.pixels[i] = static_cast<std::uint8_t>(i * 7 % 251);
  }
  const Rect part{5, 6, 40, 31};
  Image cut(part.width, part.height, 3);
  for (int y = 0; y < part.height; ++y) {
    std::copy_n(image.at(part.x, part.y + y), cut.row_bytes(), cut.row(y));
  }
  const Box box{1.5, 0.25, 37, 30.5};
  std::vector<std::uint8_t> expected(static_cast<std::size_t>(17 * 13 * 3));
  std::vector<std::uint8_t> result(expected.size());
  resize(view_of(cut), box, 17, 13, false, expected);
  resize(part_of(view_of(image), part), box, 17, 13, false, result);
  EXPECT_EQ(result, expected);
}

TEST(Resize, KeepsALevelThatIsTheSameEverywhere) {
  for (const ImageSize size : {ImageSize{353, 351}, ImageSize{900, 777}, ImageSize{40, 33}, ImageSize{700, 900}}) {
    for (const int level : {0, 1, 127, 128, 254, 255}) {
      Image image(size.width, size.height, 3);
      std::fill(image.pixels.begin(), image.pixels.end(), static_cast<std::uint8_t>(level));
      std::vector<std::uint8_t> result(static_cast<std::size_t>(52 * 61 * 3));
      resize(image, {0, 0, size.width, size.height}, 52, 61, false, result);
      EXPECT_EQ(*std::min_element(result.begin(), result.end()), level);
      EXPECT_EQ(*std::max_element(result.begin(), result.end()), level);
    }
  }
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
  EXPECT_THROW(resize(view_of(Image(4, 4, 1)), {0, 0, 4, 4.5}, 2, 2, false, result), std::logic_error);
}

}  // namespace
}  // namespace lockstep::media::resize_test
