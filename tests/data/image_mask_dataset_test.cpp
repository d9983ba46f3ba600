#include "lockstep/data/image_mask_dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/data/color.h"
#include "lockstep/media/decode.h"
#include "lockstep/media/encode.h"
#include "lockstep/media/orientation.h"
#include "lockstep/media/resize.h"
#include "tests/data/samples.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::data::image_mask_dataset_test {
namespace {

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

TEST(ImageMaskDataset, GivesTheBitsOfCroppingTheWholePicture) {
  const test::TempFolder folder;
  const media::ImageSize size{200, 150};
  const std::vector<ImageMaskPair> pairs = write_photographs(folder, 1, size);
  const ImageMaskOptions options{.image_size = 64, .augment = true};
  const ImageMaskDataset dataset(pairs, options);
  const media::Image image = media::decode_image(read_file(pairs[0].image), media::ColorMode::kRgb, "image");
  for (std::uint64_t epoch = 0; epoch < 20; ++epoch) {
    const Draw draw = draw_of(epoch, 0);
    RandomStream random = draw.augmentation();
    const AugmentationPlan plan = plan_augmentation(options.augmentation, size, random);
    std::vector<std::uint8_t> expected(64 * 64 * 3);
    media::resize(image, plan.crop, 64, 64, plan.flip, expected);
    change_colours(expected, plan.colours);
    std::vector<std::uint8_t> expected_mask(64 * 64);
    media::resize(test::make_mask(0, size), plan.crop, 64, 64, plan.flip, expected_mask);
    const Sample sample = load(dataset, draw);
    EXPECT_TRUE(std::ranges::equal(sample.image, std::as_bytes(std::span(expected)))) << epoch;
    EXPECT_TRUE(std::ranges::equal(sample.mask, std::as_bytes(std::span(expected_mask)))) << epoch;
  }
}

/// How often a value of a sample's image goes with its mask as red goes with 255.
double agreement(const Sample& sample) {
  double agreeing = 0;
  for (std::size_t i = 0; i < sample.mask.size(); ++i) {
    const double red = std::to_integer<int>(sample.image[3 * i]) / 200.0;
    agreeing += std::abs(red - std::to_integer<int>(sample.mask[i]) / 255.0) < 0.1 ? 1 : 0;
  }
  return agreeing / static_cast<double>(sample.mask.size());
}

/// A JPEG whose EXIF data say how it is to be turned.
std::vector<std::byte> with_orientation(const std::vector<std::byte>& jpeg, int orientation) {
  const unsigned char segment[] = {0xff, 0xe1, 0, 34, 'E', 'x', 'i', 'f', 0, 0,
                                   'M',  'M',  0, 42, 0,   0,   0,   8,   0, 1,
                                   0x01, 0x12, 0, 3,  0,   0,   0,   1,   0, static_cast<unsigned char>(orientation),
                                   0,    0,    0, 0,  0,   0};
  std::vector<std::byte> turned(jpeg.begin(), jpeg.begin() + 2);
  for (const unsigned char value : segment) {
    turned.push_back(std::byte{value});
  }
  turned.insert(turned.end(), jpeg.begin() + 2, jpeg.end());
  return turned;
}

ImageMaskOptions crops_without_colours() {
  ImageMaskOptions options{.image_size = 32, .augment = true};
  options.augmentation.brightness = options.augmentation.contrast = options.augmentation.saturation = 0.0;
  return options;
}

/// A red part of an image of 80x48, off the middle in both directions, and its mask.
struct RedCorner {
  media::Image image{80, 48, 3};
  media::Image mask{80, 48, 1};

  RedCorner() {
    for (int y = 0; y < 24; ++y) {
      for (int x = 0; x < 48; ++x) {
        *image.at(x, y) = 200;
        *mask.at(x, y) = 255;
      }
    }
  }
};

TEST(ImageMaskDataset, TurnsAPhotographAsItsMaskIs) {
  const test::TempFolder folder;
  const RedCorner corner;
  const std::vector<std::byte> jpeg = media::encode_jpeg(corner.image, 95);
  const ImageMaskPair pair{"pair", folder / "image.jpg", folder / "mask.png"};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    write_file_atomically(pair.image, with_orientation(jpeg, orientation));
    write_file_atomically(pair.mask, media::encode_png(media::turn_upright(corner.mask, orientation)));
    const ImageMaskDataset dataset({pair}, crops_without_colours());
    for (std::uint64_t epoch = 0; epoch < 5; ++epoch) {
      EXPECT_GT(agreement(load(dataset, draw_of(epoch, 0))), 0.9) << "orientation " << orientation;
    }
  }
}

TEST(ImageMaskDataset, LeavesAPhotographAsStoredWhoseMaskIs) {
  const test::TempFolder folder;
  const RedCorner corner;
  const ImageMaskPair pair{"pair", folder / "image.jpg", folder / "mask.png"};
  write_file_atomically(pair.image, with_orientation(media::encode_jpeg(corner.image, 95), 6));
  write_file_atomically(pair.mask, media::encode_png(corner.mask));
  const ImageMaskDataset dataset({pair}, crops_without_colours());
  EXPECT_GT(agreement(load(dataset, draw_of(0, 0))), 0.9);
}

TEST(ImageMaskDataset, TurnsAPhotographUprightThatHasNoMask) {
  const test::TempFolder folder;
  const RedCorner corner;
  const std::vector<std::byte> jpeg = media::encode_jpeg(corner.image, 95);
  const ImageMaskPair pair{"pair", folder / "image.jpg", {}};
  write_file_atomically(pair.image, with_orientation(jpeg, 3));
  const Sample sample = load(ImageMaskDataset({pair}, {.image_size = 32}), {});
  EXPECT_LT(std::to_integer<int>(sample.image.front()), 20);
  EXPECT_GT(std::to_integer<int>(sample.image[sample.image.size() - 3]), 180);
}

TEST(ImageMaskDataset, CutsAMaskInProportionThatWasScaled) {
  const test::TempFolder folder;
  const RedCorner corner;
  for (const media::ImageSize size : {media::ImageSize{40, 24}, {160, 96}, {27, 16}, {53, 32}, {401, 242}}) {
    media::Image mask(size.width, size.height, 1);
    media::resize(corner.mask, {0, 0, 80, 48}, size.width, size.height, false, mask.pixels);
    const ImageMaskPair pair{"pair", folder / "image.png", folder / "mask.png"};
    write_file_atomically(pair.image, media::encode_png(corner.image));
    write_file_atomically(pair.mask, media::encode_png(mask));
    const ImageMaskDataset dataset({pair}, crops_without_colours());
    for (std::uint64_t epoch = 0; epoch < 5; ++epoch) {
      EXPECT_GT(agreement(load(dataset, draw_of(epoch, 0))), 0.85) << size.width << "x" << size.height;
    }
  }
}

TEST(ImageMaskDataset, TheWholeMaskSaysWhetherOnesMark) {
  const test::TempFolder folder;
  const ImageMaskPair pair{"pair", folder / "image.png", folder / "mask.png"};
  write_file_atomically(pair.image, media::encode_png(media::Image(80, 48, 3)));
  for (const int corner_level : {1, 2}) {
    media::Image mask(80, 48, 1);
    std::ranges::fill(mask.pixels, std::uint8_t{1});
    *mask.at(79, 47) = static_cast<std::uint8_t>(corner_level);  // outside of most crops
    write_file_atomically(pair.mask, media::encode_png(mask));
    const ImageMaskDataset dataset({pair}, crops_without_colours());
    for (std::uint64_t epoch = 0; epoch < 10; ++epoch) {
      const Sample sample = load(dataset, draw_of(epoch, 0));
      EXPECT_EQ(std::to_integer<int>(sample.mask[0]) > 2, corner_level == 1);
    }
  }
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
}  // namespace lockstep::data::image_mask_dataset_test
