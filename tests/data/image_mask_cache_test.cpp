// Datasets of images and masks with a cache: the pixels do not depend on what it holds.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "lockstep/base/error.h"
#include "lockstep/data/disk_cache.h"
#include "lockstep/data/first_epoch.h"
#include "lockstep/data/image_mask_dataset.h"
#include "lockstep/data/ram_cache.h"
#include "lockstep/media/decode.h"
#include "lockstep/media/jpeg.h"
#include "lockstep/media/resize.h"
#include "tests/data/samples.h"
#include "tests/support/logged_lines.h"
#include "tests/support/process.h"

namespace lockstep::data::image_mask_cache_test {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

std::uint64_t plenty() { return std::uint64_t{1} << 40; }

const ImageMaskOptions kAugmented{.image_size = 48, .augment = true};

/// The bytes of all samples in one epoch.
std::vector<std::byte> epoch_of(const ImageMaskDataset& dataset, std::uint64_t epoch) {
  std::vector<std::byte> bytes;
  for (std::uint64_t index = 0; index < dataset.size(); ++index) {
    const Sample sample = load(dataset, draw_of(epoch, index));
    bytes.insert(bytes.end(), sample.image.begin(), sample.image.end());
    bytes.insert(bytes.end(), sample.mask.begin(), sample.mask.end());
  }
  return bytes;
}

TEST(ImageMaskCache, WarmAndColdAreTheSameBytes) {
  const test::TempFolder folder;
  const auto pairs = write_photographs(folder, 6, {300, 200});
  RamStorage ram(16 * kMiB, plenty);
  const ImageMaskDataset dataset(pairs, kAugmented, &ram);
  const auto cold = epoch_of(dataset, 0);
  EXPECT_GT(ram.used(), 0U);
  for (const ImageMaskPair& pair : pairs) {
    std::filesystem::remove(pair.image);  // it must not be looked at again
  }
  EXPECT_EQ(epoch_of(dataset, 0), cold);
  EXPECT_NE(epoch_of(dataset, 1), cold);
}

TEST(ImageMaskCache, RamAndDiskAndNoRoomAtAllAreTheSameBytes) {
  const test::TempFolder folder;
  const auto pairs = write_photographs(folder, 6, {300, 200});
  RamStorage ram(16 * kMiB, plenty);
  RamStorage small(kMiB / 2, plenty);  // room for some of them
  DiskStorage disk(folder / "cache", 16 * kMiB);
  const ImageMaskDataset in_ram(pairs, kAugmented, &ram);
  const ImageMaskDataset in_part(pairs, kAugmented, &small);
  const ImageMaskDataset on_disk(pairs, kAugmented, &disk);
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
    const auto bytes = epoch_of(in_ram, epoch);
    EXPECT_EQ(epoch_of(on_disk, epoch), bytes);
    EXPECT_EQ(epoch_of(in_part, epoch), bytes);
  }
  EXPECT_GT(small.used(), 0U);
  EXPECT_LE(small.used(), kMiB / 2);
}

TEST(ImageMaskCache, ARunThatResumesSeesTheSameBytes) {
  const test::TempFolder folder;
  const auto pairs = write_photographs(folder, 4, {300, 200});
  std::vector<std::byte> second_epoch;
  {
    DiskStorage disk(folder / "cache", 16 * kMiB);
    const ImageMaskDataset dataset(pairs, kAugmented, &disk);
    epoch_of(dataset, 0);
    second_epoch = epoch_of(dataset, 1);
  }
  DiskStorage disk(folder / "cache", 16 * kMiB);
  EXPECT_EQ(epoch_of(ImageMaskDataset(pairs, kAugmented, &disk), 1), second_epoch);
}

TEST(ImageMaskCache, WholePicturesAreThoseWithoutACache) {
  const test::TempFolder folder;
  auto pairs = write_photographs(folder, 3, {300, 200});
  const auto small = write_photographs(folder, 1, {40, 100});
  pairs.push_back(small[0]);
  pairs[1].mask.clear();
  const ImageMaskOptions options{.image_size = 48, .augment = false, .keep_original_mask = true};
  RamStorage ram(16 * kMiB, plenty);
  const ImageMaskDataset plain(pairs, options);
  const ImageMaskDataset cached(pairs, options, &ram);
  EXPECT_EQ(epoch_of(cached, 0), epoch_of(plain, 0));
  EXPECT_EQ(epoch_of(cached, 0), epoch_of(plain, 0));
  for (std::uint64_t index = 0; index < pairs.size(); ++index) {
    const Sample expected = load(plain, draw_of(0, index));
    const Sample sample = load(cached, draw_of(0, index));
    ASSERT_EQ(sample.ragged.size(), 1U);
    EXPECT_EQ(sample.ragged[0].shape, expected.ragged[0].shape);
    EXPECT_EQ(sample.ragged[0].bytes, expected.ragged[0].bytes);
  }
}

TEST(ImageMaskCache, SaysOnceWhatFits) {
  const test::TempFolder folder;
  const auto pairs = write_photographs(folder, 3, {300, 200});
  RamStorage ram(16 * kMiB, plenty);
  const ImageMaskDataset dataset(pairs, kAugmented, &ram);
  const test::LoggedLines lines;
  load(dataset, draw_of(0, 0));
  load(dataset, draw_of(0, 1));
  EXPECT_EQ(lines.text(), "");
  load(dataset, draw_of(0, 2));
  EXPECT_THAT(lines.text(), testing::MatchesRegex("cache: 3 of 3 samples fit \\([0-9]+ KiB of 16 MiB, RAM\\)\n"));
  const std::string said = lines.text();
  epoch_of(dataset, 1);
  EXPECT_EQ(lines.text(), said);
}

TEST(ImageMaskCache, SaysWhatFitsAtTheEndOfAnEpochThatDoesNotSeeAll) {
  const test::TempFolder folder;
  const auto pairs = write_photographs(folder, 3, {300, 200});
  RamStorage ram(16 * kMiB, plenty);
  const ImageMaskDataset dataset(pairs, kAugmented, &ram);
  const test::LoggedLines lines;
  load(dataset, draw_of(4, 0));
  load(dataset, draw_of(4, 1));
  EXPECT_EQ(lines.text(), "");
  load(dataset, draw_of(5, 0));
  EXPECT_THAT(lines.text(), testing::MatchesRegex("cache: 2 of 3 samples fit .*; 1 were not asked for yet\n"));
}

TEST(ImageMaskCache, SaysWhatFitsAtTheLatestWhenTheRunEnds) {
  const test::TempFolder folder;
  const auto pairs = write_photographs(folder, 3, {300, 200});
  RamStorage ram(16 * kMiB, plenty);
  const test::LoggedLines lines;
  {
    const ImageMaskDataset unused(pairs, kAugmented, &ram);
    const ImageMaskDataset dataset(pairs, kAugmented, &ram);
    load(dataset, draw_of(0, 1));
    EXPECT_EQ(lines.text(), "");
  }
  EXPECT_THAT(lines.text(), testing::MatchesRegex("cache: 1 of 3 samples fit .*; 2 were not asked for yet\n"));
}

TEST(ImageMaskCache, SaysWhatFitsWhereASampleCannotBeRead) {
  const test::TempFolder folder;
  const auto pairs = write_photographs(folder, 3, {300, 200});
  std::filesystem::resize_file(pairs[1].image, 0);
  RamStorage ram(16 * kMiB, plenty);
  const ImageMaskDataset dataset(pairs, kAugmented, &ram);
  const test::LoggedLines lines;
  load(dataset, draw_of(0, 0));
  EXPECT_THROW(load(dataset, draw_of(0, 1)), DataError);
  load(dataset, draw_of(0, 2));
  EXPECT_THAT(lines.text(), testing::MatchesRegex("cache: 2 of 3 samples fit [^;]*\n"));
}

/// Keeps nothing, and remembers the recipe.
class RecipeStorage : public PixelStorage {
 public:
  std::unique_ptr<PixelCache> open(std::span<const ImageMaskPair> pairs, const std::string& recipe) override {
    recipe_ = recipe;
    return nowhere_.open(pairs, recipe);
  }
  std::uint64_t used() const override { return nowhere_.used(); }
  std::uint64_t limit() const override { return nowhere_.limit(); }
  std::string describe() const override { return nowhere_.describe(); }

  std::string recipe_of(const std::vector<ImageMaskPair>& pairs, const ImageMaskOptions& options) {
    const ImageMaskDataset dataset(pairs, options, this);
    return recipe_;
  }

 private:
  RamStorage nowhere_{kMiB, plenty};
  std::string recipe_;
};

TEST(ImageMaskCache, ItsRecipeNamesAllThatDecidesThePixels) {
  const test::TempFolder folder;
  RecipeStorage storage;
  const std::vector<ImageMaskPair> pairs{{"a", folder / "a.jpg", folder / "a.png"}};
  const std::string recipe = storage.recipe_of(pairs, kAugmented);
  EXPECT_THAT(recipe, testing::HasSubstr("libjpeg " + std::to_string(media::jpeg_library_version()) + ","));
  ImageMaskOptions other = kAugmented;
  other.augmentation.min_scale += 1e-9;
  EXPECT_NE(storage.recipe_of(pairs, other), recipe);
  const std::filesystem::path beside = std::filesystem::relative(folder.path()) / "." / "a.jpg";
  EXPECT_EQ(storage.recipe_of({{"a", beside, {}}}, kAugmented), recipe);
}

TEST(FirstEpoch, EndsWithItsLastSampleOnceALaterOneHasBegun) {
  FirstEpoch epoch;
  epoch.begin_sample(7);
  epoch.begin_sample(7);
  EXPECT_FALSE(epoch.end_sample(7));
  epoch.begin_sample(8);
  EXPECT_FALSE(epoch.end_sample(8));
  EXPECT_TRUE(epoch.end_sample(7));
  epoch.begin_sample(8);
  EXPECT_FALSE(epoch.end_sample(8));
}

TEST(ImageMaskCache, ThreadsMayAskForTheSameSamples) {
  const test::TempFolder folder;
  const auto pairs = write_photographs(folder, 4, {120, 90});
  RamStorage ram(16 * kMiB, plenty);
  DiskStorage disk(folder / "cache", 16 * kMiB);
  const ImageMaskDataset alone(pairs, kAugmented, &ram);
  const auto expected = epoch_of(alone, 0);
  RamStorage shared_ram(16 * kMiB, plenty);
  for (PixelStorage* storage : {static_cast<PixelStorage*>(&shared_ram), static_cast<PixelStorage*>(&disk)}) {
    const ImageMaskDataset dataset(pairs, kAugmented, storage);
    std::vector<std::vector<std::byte>> results(4);
    {
      std::vector<std::jthread> threads;
      for (auto& result : results) {
        threads.emplace_back([&] { result = epoch_of(dataset, 0); });
      }
    }
    for (const auto& result : results) {
      EXPECT_EQ(result, expected);
    }
  }
  EXPECT_EQ(shared_ram.used(), ram.used());
}

/// How far the pixels of two samples are apart, in grey levels.
struct Distance {
  double mean = 0;
  double within_6 = 0;  ///< the share of the values
};

Distance distance(const std::vector<std::byte>& one, const std::vector<std::byte>& other) {
  Distance result;
  for (std::size_t i = 0; i < one.size(); ++i) {
    const int difference = std::abs(std::to_integer<int>(one[i]) - std::to_integer<int>(other[i]));
    result.mean += difference;
    result.within_6 += difference <= 6 ? 1 : 0;
  }
  const auto count = static_cast<double>(one.size());
  return {result.mean / count, result.within_6 / count};
}

/// Real photographs, scaled to that size, without masks.
std::vector<ImageMaskPair> real_photographs(const test::TempFolder& folder, media::ImageSize size,
                                            const std::string& ending) {
  std::vector<ImageMaskPair> pairs;
  const std::filesystem::path source = test::shared_data("cats");
  if (source.empty()) {
    return pairs;
  }
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(source / "test/images")) {
    files.push_back(entry.path());
  }
  std::ranges::sort(files);
  for (std::size_t i = 0; i < std::min<std::size_t>(files.size(), 8); ++i) {
    const media::Image photograph = media::decode_image(read_file(files[i]), media::ColorMode::kRgb, "photograph");
    media::Image scaled(size.width, size.height, 3);
    media::resize(photograph, {0, 0, photograph.width, photograph.height}, size.width, size.height, false,
                  scaled.pixels);
    pairs.push_back({"real", folder / (std::to_string(i) + ending), {}});
    write_file_atomically(pairs.back().image,
                          ending == ".jpg" ? media::encode_jpeg(scaled, 90) : media::encode_png(scaled));
  }
  return pairs;
}

TEST(ImageMaskCache, KeptPixelsOfAJpegAreThoseWithoutACacheWhereItIsDecodedToTheSameSize) {
  const test::TempFolder folder;
  auto pairs = write_photographs(folder, 3, {403, 301});
  pairs[1].mask.clear();
  for (const int side : {200, 100, 50}) {  // at 8/8, 4/8, 2/8 of their size
    const ImageMaskOptions options{.image_size = side, .augment = true};
    RamStorage ram(64 * kMiB, plenty);
    const ImageMaskDataset plain(pairs, options);
    const ImageMaskDataset cached(pairs, options, &ram);
    for (std::uint64_t epoch = 0; epoch < 4; ++epoch) {
      for (std::uint64_t index = 0; index < pairs.size(); ++index) {
        const Draw draw = draw_of(epoch, index);
        const Sample expected = load(plain, draw);
        const Sample sample = load(cached, draw);
        EXPECT_EQ(sample.image, expected.image) << side;
        EXPECT_LT(distance(sample.mask, expected.mask).mean, 4.0) << side;
      }
    }
  }
}

/// Of crops without and with a cache.
struct Distances {
  Distance average{};
  Distance worst{0, 1};
};

Distances distances_of_kept(const std::vector<ImageMaskPair>& pairs, int side) {
  const ImageMaskOptions options{.image_size = side, .augment = true};
  RamStorage ram(64 * kMiB, plenty);
  const ImageMaskDataset plain(pairs, options);
  const ImageMaskDataset cached(pairs, options, &ram);
  constexpr std::uint64_t kCrops = 4;
  const auto count = static_cast<double>(pairs.size() * kCrops);
  Distances all;
  for (std::uint64_t index = 0; index < pairs.size(); ++index) {
    for (std::uint64_t epoch = 0; epoch < kCrops; ++epoch) {
      const Draw draw = draw_of(epoch, index);
      const Distance apart = distance(load(cached, draw).image, load(plain, draw).image);
      all.average = {all.average.mean + apart.mean / count, all.average.within_6 + apart.within_6 / count};
      all.worst = {std::max(all.worst.mean, apart.mean), std::min(all.worst.within_6, apart.within_6)};
    }
  }
  return all;
}

TEST(ImageMaskCache, KeptPixelsOfAJpegLookLikeThoseWithoutACache) {
  const test::TempFolder folder;
  const auto pairs = real_photographs(folder, {640, 480}, ".jpg");
  if (pairs.empty()) {
    GTEST_SKIP() << "no shared data";
  }
  for (const int side : {290, 250, 210, 120, 80}) {  // kept at 7/8, 6/8, 5/8, 3/8, 2/8 of their size
    const auto [average, worst] = distances_of_kept(pairs, side);
    EXPECT_EQ(worst.mean > 0, side != 80) << side;
    EXPECT_LT(average.mean, 1.5) << side;
    EXPECT_GT(average.within_6, 0.97) << side;
    EXPECT_LT(worst.mean, 3.0) << side;
  }
}

TEST(ImageMaskCache, KeptPixelsOfALargePngLookLikeThoseOfTheFile) {
  const test::TempFolder folder;
  const auto pairs = real_photographs(folder, {640, 480}, ".png");
  if (pairs.empty()) {
    GTEST_SKIP() << "no shared data";
  }
  for (const int side : {150, 64}) {
    const Distance worst = distances_of_kept(pairs, side).worst;
    EXPECT_EQ(worst.mean > 0, side == 64) << side;  // there it pays to scale
    EXPECT_LT(worst.mean, 1.5) << side;
    EXPECT_GT(worst.within_6, 0.97) << side;
  }
}

TEST(ImageMaskDataset, ReducedDecodingLooksLikeFullDecoding) {
  const test::TempFolder folder;
  const auto pairs = real_photographs(folder, {640, 640}, ".jpg");
  if (pairs.empty()) {
    GTEST_SKIP() << "no shared data";
  }
  for (const int side : {96, 190}) {  // decoded at 1/4 and 1/2 of their size
    ImageMaskOptions options{.image_size = side, .augment = true};
    options.augmentation.brightness = options.augmentation.contrast = options.augmentation.saturation = 0.0;
    const ImageMaskDataset dataset(pairs, options);
    Distance all;
    for (std::uint64_t index = 0; index < pairs.size(); ++index) {
      const Draw draw = draw_of(0, index);
      RandomStream random = draw.augmentation();
      const AugmentationPlan plan = plan_augmentation(options.augmentation, {640, 640}, random);
      const media::Image image = media::decode_image(read_file(pairs[index].image), media::ColorMode::kRgb, "image");
      const Sample sample = load(dataset, draw);
      std::vector<std::byte> expected(sample.image.size());
      media::resize(image, plan.crop, side, side, plan.flip,
                    {reinterpret_cast<std::uint8_t*>(expected.data()), expected.size()});
      const Distance apart = distance(sample.image, expected);
      all.mean += apart.mean / static_cast<double>(pairs.size());
      all.within_6 += apart.within_6 / static_cast<double>(pairs.size());
    }
    EXPECT_GT(all.mean, 0.0);  // it was reduced indeed
    EXPECT_LT(all.mean, 1.5) << side;
    EXPECT_GT(all.within_6, 0.97) << side;
  }
}

}  // namespace
}  // namespace lockstep::data::image_mask_cache_test
