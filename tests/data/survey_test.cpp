#include "lockstep/data/survey.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/data/samples.h"

namespace lockstep::data::survey_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

BoxedImage boxed(const std::filesystem::path& file, media::ImageSize size) {
  return {.file = file, .size = size, .id = 1, .boxes = {}};
}

TEST(Survey, GivesSizesAndSharesOfMasks) {
  const test::TempFolder folder;
  std::vector<ImageMaskPair> pairs = write_photographs(folder, 3, {40, 30});
  media::Image half(40, 30, 1);
  std::fill_n(half.pixels.begin(), half.pixels.size() / 2, std::uint8_t{129});
  std::fill_n(half.pixels.begin() + static_cast<std::ptrdiff_t>(half.pixels.size() / 2), 100, std::uint8_t{128});
  write_file_atomically(pairs[1].mask, media::encode_png(half));
  write_file_atomically(pairs[0].mask, media::encode_png(media::Image(40, 30, 1)));
  pairs[2].mask.clear();
  const Survey survey = survey_masks(pairs, 2);
  EXPECT_EQ(survey.sizes, std::vector<media::ImageSize>(3, {40, 30}));
  EXPECT_THAT(survey.object_shares, ElementsAre(0, 0.5));
  EXPECT_EQ(survey.traps.times(Trap::kMaskWithoutObject), 1U);
  EXPECT_TRUE(survey.refused.empty());
}

TEST(Survey, TellsAllThatTrainingWouldRefuseInTheirOrder) {
  const test::TempFolder folder;
  const std::vector<ImageMaskPair> pairs = write_photographs(folder, 9, {40, 30});
  for (const std::size_t broken : {7, 2}) {
    std::vector<std::byte> bytes = read_file(pairs[broken].image);
    bytes.resize(bytes.size() - 200);
    write_file_atomically(pairs[broken].image, bytes);
  }
  EXPECT_THAT(survey_masks(pairs, 4).refused, ElementsAre(HasSubstr("photo2.jpg"), HasSubstr("photo7.jpg")));
  std::vector<BoxedImage> images;
  for (const ImageMaskPair& pair : pairs) {
    images.push_back(boxed(pair.image, {80, 60}));
  }
  images[0].size = {80, 61};
  images[1].size = {80, 50};
  const Survey survey = survey_boxes(images, 4);
  EXPECT_THAT(survey.refused,
              ElementsAre(HasSubstr("annotation is of 80x50"), HasSubstr("photo2.jpg cannot be decoded"),
                          HasSubstr("photo7.jpg cannot be decoded")));
  EXPECT_EQ(survey.traps.times(Trap::kOtherSize), 6U);
}

TEST(Survey, DescribesSizesByTheirPixels) {
  EXPECT_EQ(describe_sizes({}), "-");
  EXPECT_EQ(describe_sizes({{4, 3}, {4, 3}}), "4x3");
  EXPECT_EQ(describe_sizes({{9, 9}, {4, 3}, {3, 5}}), "4x3 … 9x9, median 3x5");
}

}  // namespace
}  // namespace lockstep::data::survey_test
