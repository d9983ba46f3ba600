#include "lockstep/data/loading_speed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lockstep/base/files.h"
#include "lockstep/data/image_mask_dataset.h"
#include "lockstep/data/plane_batch.h"
#include "lockstep/data/ram_cache.h"
#include "lockstep/media/encode.h"
#include "tests/support/photographs.h"
#include "tests/support/temp_folder.h"

namespace lockstep::data::loading_speed_test {
namespace {

using testing::HasSubstr;

constexpr media::ImageSize kSize{64, 48};

/// A photograph as JPEG and as PNG, with a mask.
struct Photographs {
  Photographs() {
    write_file_atomically(folder / "a.jpg", media::encode_jpeg(test::make_photograph(1, kSize), 90));
    write_file_atomically(folder / "b.png", media::encode_png(test::make_photograph(2, kSize)));
    write_file_atomically(folder / "mask.png", media::encode_png(test::make_mask(1, kSize)));
  }

  test::TempFolder folder;
  ImageMaskDataset dataset{{{"a", folder / "a.jpg", folder / "mask.png"}, {"b", folder / "b.png", folder / "mask.png"}},
                           {.image_size = 16}};
};

TEST(PlaneBatch, HoldsPlanesOfTheSameSamples) {
  const Photographs photographs;
  Batch batch = load_batch(photographs.dataset, {{0, 0, 0, 1}, {0, 0, 0, 0}});
  PlaneBatch planes;
  planes.finish(batch);
  ASSERT_EQ(planes.images().size(), 2 * 3U * 16 * 16);
  const auto levels = slot_of(batch, 1).field<std::uint8_t>(0);
  const auto values = planes.images().subspan(3U * 16 * 16);
  constexpr std::size_t kPixel = 100;
  EXPECT_NEAR(values[kPixel], (levels[3 * kPixel] / 255.0 - 0.485) / 0.229, 1e-6);
  EXPECT_NEAR(values[256 + kPixel], (levels[3 * kPixel + 1] / 255.0 - 0.456) / 0.224, 1e-6);
  EXPECT_NEAR(values[512 + kPixel], (levels[3 * kPixel + 2] / 255.0 - 0.406) / 0.225, 1e-6);
  const auto mask_levels = slot_of(batch, 1).field<std::uint8_t>(1);
  const auto mask = planes.masks().subspan(16U * 16);
  ASSERT_EQ(mask.size(), mask_levels.size());
  for (std::size_t i = 0; i < mask.size(); ++i) {
    EXPECT_NEAR(mask[i], mask_levels[i] / 255.0, 1e-6);
  }
}

TEST(LoadingSpeed, MeasuresSamplesPartsAndLimits) {
  const Photographs photographs;
  BatchStreamOptions options;
  options.num_workers = 2;
  options.batch_size = 4;
  const LoadingSpeed speed =
      measure_loading(photographs.dataset, {photographs.folder / "a.jpg", photographs.folder / "b.png"}, options,
                      WarmUp::kFewBatches, /*seconds=*/0.05);
  EXPECT_GE(speed.measure.seconds, 0.05);
  EXPECT_GT(speed.measure.samples, 0U);
  EXPECT_GT(speed.measure.cpu_seconds, 0);
  for (const char* part : {"read", "decode image", "decode mask", "resize", "colour", "copy", "other"}) {
    EXPECT_GT(speed.work.at(part).seconds, 0) << part;
  }
  EXPECT_GT(speed.huffman_seconds, 0);
  EXPECT_GT(speed.memcpy_seconds, 0);
  EXPECT_EQ(speed.bytes_per_sample, 4U * 16 * 16 * sizeof(float));
}

TEST(LoadingSpeed, IsMeasuredAfterTheEpochThatFillsTheCache) {
  const Photographs photographs;
  RamStorage ram(std::uint64_t{1} << 20, [] { return std::uint64_t{1} << 40; });
  const ImageMaskDataset kept({{"a", photographs.folder / "a.jpg", photographs.folder / "mask.png"},
                               {"b", photographs.folder / "b.png", photographs.folder / "mask.png"}},
                              {.image_size = 16, .augment = true}, &ram);
  BatchStreamOptions options;
  options.batch_size = 1;
  const LoadingSpeed speed = measure_loading(kept, {}, options, WarmUp::kEpoch, /*seconds=*/0.01);
  EXPECT_EQ(speed.work.count("decode image"), 0U);
  EXPECT_GT(speed.work.at("resize").seconds, 0);
}

TEST(LoadingSpeed, IsToldAsATable) {
  LoadingSpeed speed;
  speed.num_workers = 2;
  speed.measure = {.samples = 1000, .seconds = 2, .cpu_seconds = 4};
  speed.work["read"] = {1, 0.5};
  speed.work["decode image"] = {3, 3};
  speed.huffman_seconds = 0.002;
  speed.memcpy_seconds = 0.0002;
  speed.bytes_per_sample = 2'000'000;
  const std::string words = describe(speed);
  EXPECT_THAT(words, HasSubstr("500 images/s with 2 decode threads; 250 images/s a core (a second of CPU time)\n"));
  EXPECT_THAT(words, HasSubstr("  read                1.000   25.0 %\n"));
  EXPECT_THAT(words, HasSubstr("  decode image        3.000   75.0 %\n"));
  EXPECT_THAT(words, HasSubstr("  sum                 4.000  100.0 %\n"));
  EXPECT_THAT(words, HasSubstr("  Huffman alone       2.000  500 images/s a core; this is 50.0 % of it\n"));
  EXPECT_THAT(words, HasSubstr("  memcpy              0.200  10.0 GB/s, a sample of 2.0 MB\n"));
}

}  // namespace
}  // namespace lockstep::data::loading_speed_test
