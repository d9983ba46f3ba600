#include "lockstep/data/image_mask_dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/media/encode.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::data {
namespace {

struct Sample {
  std::vector<std::byte> image;
  std::vector<std::byte> mask;
  std::vector<RaggedArray> ragged;
};

Sample load(const ImageMaskDataset& dataset, const Draw& draw) {
  Sample sample;
  sample.image.resize(dataset.layout()[0].bytes());
  sample.mask.resize(dataset.layout()[1].bytes(), std::byte{77});
  dataset.load(draw, {{sample.image, sample.mask}, &sample.ragged});
  return sample;
}

/// The left half is red and marked as object, the right half is black.
ImageMaskPair write_pair(const test::TempFolder& folder, int width, int height) {
  media::Image image(width, height, 3);
  media::Image mask(width, height, 1);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width / 2; ++x) {
      *image.at(x, y) = 200;
      *mask.at(x, y) = 255;
    }
  }
  write_file_atomically(folder / "image.png", media::encode_png(image));
  write_file_atomically(folder / "mask.png", media::encode_png(mask));
  return {"pair", folder / "image.png", folder / "mask.png"};
}

std::string error_of(const ImageMaskPair& pair) {
  try {
    load(ImageMaskDataset({pair}, {.image_size = 8}), {});
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(ImageMaskDataset, ScalesImageAndMaskAlike) {
  const test::TempFolder folder;
  const ImageMaskDataset dataset({write_pair(folder, 32, 16)}, {.image_size = 8, .keep_original_mask = true});
  const Sample sample = load(dataset, {});
  EXPECT_EQ(sample.image[0], std::byte{200});
  EXPECT_EQ(sample.image[7 * 3], std::byte{0});
  EXPECT_EQ(sample.mask[0], std::byte{255});
  EXPECT_EQ(sample.mask[7], std::byte{0});
  ASSERT_EQ(sample.ragged.size(), 1U);
  EXPECT_THAT(sample.ragged[0].shape, testing::ElementsAre(16, 32));
  EXPECT_EQ(std::ranges::count(sample.ragged[0].bytes, std::byte{255}), 16 * 16);
}

TEST(ImageMaskDataset, CropsAndFlipsTheMaskWithItsImage) {
  const test::TempFolder folder;
  ImageMaskOptions options{.image_size = 16, .augment = true};
  options.augmentation.brightness = options.augmentation.contrast = options.augmentation.saturation = 0.0;
  const ImageMaskDataset dataset({write_pair(folder, 40, 30)}, options);
  for (std::uint64_t position = 0; position < 20; ++position) {
    const Sample sample = load(dataset, {.seed = 1, .epoch = 0, .position = position, .index = 0});
    for (std::size_t i = 0; i < sample.mask.size(); ++i) {
      const int red = std::to_integer<int>(sample.image[3 * i]);
      EXPECT_NEAR(red / 200.0, std::to_integer<int>(sample.mask[i]) / 255.0, 0.01);
    }
  }
}

TEST(ImageMaskDataset, AugmentsByTheDrawAlone) {
  const test::TempFolder folder;
  const ImageMaskDataset dataset({write_pair(folder, 40, 30)}, {.image_size = 16, .augment = true});
  const Sample sample = load(dataset, {.seed = 1, .epoch = 2, .position = 3, .index = 0});
  EXPECT_EQ(sample.image, load(dataset, {.seed = 1, .epoch = 2, .position = 3, .index = 0}).image);
  EXPECT_NE(sample.image, load(dataset, {.seed = 1, .epoch = 3, .position = 3, .index = 0}).image);
}

TEST(ImageMaskDataset, GivesABlackMaskWhereThereIsNone) {
  const test::TempFolder folder;
  ImageMaskPair pair = write_pair(folder, 20, 10);
  pair.mask.clear();
  const Sample sample = load(ImageMaskDataset({pair}, {.image_size = 8}), {});
  EXPECT_EQ(std::ranges::count(sample.mask, std::byte{0}), 64);
}

TEST(ImageMaskDataset, AMaskOfOnesMarksAsOneOf255) {
  const test::TempFolder folder;
  const ImageMaskPair pair = write_pair(folder, 32, 16);
  const ImageMaskDataset dataset({pair}, {.image_size = 8, .keep_original_mask = true});
  const Sample expected = load(dataset, {});
  media::Image ones(32, 16, 1);
  for (int y = 0; y < ones.height; ++y) {
    std::fill_n(ones.at(0, y), ones.width / 2, std::uint8_t{1});
  }
  write_file_atomically(pair.mask, media::encode_png(ones));
  const Sample sample = load(dataset, {});
  EXPECT_EQ(sample.mask, expected.mask);
  EXPECT_EQ(sample.ragged[0].bytes, expected.ragged[0].bytes);
}

TEST(ImageMaskDataset, OnlyAMaskWithoutLevelsAboveOneIsTakenForOnes) {
  const test::TempFolder folder;
  media::Image soft(2, 1, 1);
  *soft.at(0, 0) = 1;
  *soft.at(1, 0) = 2;
  write_file_atomically(folder / "soft.png", media::encode_png(soft));
  EXPECT_EQ(read_mask(folder / "soft.png").pixels, soft.pixels);
}

TEST(ImageMaskDataset, NamesTheFilesOfDifferentSizes) {
  const test::TempFolder folder;
  const ImageMaskPair pair = write_pair(folder, 20, 10);
  write_file_atomically(pair.mask, media::encode_png(media::Image(10, 20, 1)));
  EXPECT_THAT(error_of(pair),
              testing::AllOf(testing::HasSubstr("image.png is 20x10"), testing::HasSubstr("mask.png is 10x20")));
}

TEST(ImageMaskDataset, NamesTheFileThatIsBrokenOrMissing) {
  const test::TempFolder folder;
  const ImageMaskPair pair = write_pair(folder, 20, 10);
  const std::string whole = read_text(pair.image);
  for (const std::string& content : {std::string(), whole.substr(0, whole.size() / 2), std::string("no picture")}) {
    write_file_atomically(pair.image, content);
    EXPECT_THAT(error_of(pair), testing::HasSubstr("image.png"));
  }
  std::filesystem::remove(pair.image);
  EXPECT_THAT(error_of(pair), testing::HasSubstr("image.png"));
}

TEST(ImageMaskDataset, ReadsRealPhotographs) {
  for (const auto& [set, extension] : {std::pair("nuclei", ".png"), std::pair("cats", ".jpg")}) {
    const std::filesystem::path folder = test::shared_data(set);
    if (folder.empty()) {
      GTEST_SKIP() << "no shared data";
    }
    for (const auto& entry : std::filesystem::directory_iterator(folder / "test/masks")) {
      const std::filesystem::path image = folder / "test/images" / entry.path().stem().concat(extension);
      const ImageMaskDataset dataset({{"real", image, entry.path()}}, {.image_size = 64, .augment = true});
      EXPECT_NO_THROW(load(dataset, {}));
      break;
    }
  }
}

}  // namespace
}  // namespace lockstep::data
