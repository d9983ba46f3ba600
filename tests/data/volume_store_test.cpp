#include "lockstep/data/volume_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "lockstep/base/error.h"
#include "tests/data/volume_samples.h"
#include "tests/support/process.h"

namespace lockstep::data::volume_store_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr media::VolumeShape kShape{20, 33, 47};

std::vector<std::uint8_t> grey_of(int seed) {
  return test::voxels_by<std::uint8_t>(kShape, [&](std::int64_t z, std::int64_t y, std::int64_t x) {
    return static_cast<int>(seed + z * 7 + y * x) % 200;
  });
}

std::vector<std::uint8_t> labels_of(int seed) {
  return test::voxels_by<std::uint8_t>(
      kShape, [&](std::int64_t z, std::int64_t y, std::int64_t x) { return static_cast<int>(seed + z + y + x) % 3; });
}

std::string store_message(const std::vector<VolumePair>& pairs) {
  try {
    const VolumeStore store(pairs, {.threads = 2});
  } catch (const DataError& error) {
    return error.what();
  }
  return "opened";
}

TEST(VolumeStore, GivesTheSameVoxelsFromMemoryFromMappedFilesAndSliceBySlice) {
  const test::VolumeFolder folder;
  const test::VolumeFolder raw;
  std::vector<VolumePair> pairs;
  std::vector<VolumePair> raw_pairs;
  for (int i = 0; i < 3; ++i) {
    pairs.push_back(folder.add(std::to_string(i), kShape, grey_of(i), labels_of(i)));
    raw_pairs.push_back(raw.add(std::to_string(i), kShape, grey_of(i), labels_of(i), media::TiffCompression::kNone));
  }
  const auto slice = static_cast<std::uint64_t>(kShape.slice_voxels());
  const VolumeStore resident(pairs, {.memory_limit = 1 << 30, .threads = 3});
  const VolumeStore cached(pairs, {.memory_limit = 3 * slice, .threads = 3});
  const VolumeStore mapped(raw_pairs, {.memory_limit = 0, .threads = 1});
  const VolumeStore unmapped(raw_pairs, {.memory_limit = 3 * slice, .threads = 3, .map_files = false});
  EXPECT_TRUE(resident.is_resident());
  EXPECT_FALSE(cached.is_resident());
  EXPECT_TRUE(mapped.is_resident());
  EXPECT_EQ(resident.bytes(), 6 * 20 * slice);
  EXPECT_EQ(resident.mapped_bytes(), 0U);
  EXPECT_EQ(mapped.mapped_bytes(), mapped.bytes());
  EXPECT_FALSE(unmapped.is_resident());
  EXPECT_EQ(unmapped.mapped_bytes(), 0U);
  EXPECT_THAT(resident.words(), HasSubstr("3 volumes, 182 KiB in memory"));
  EXPECT_THAT(cached.words(), HasSubstr("read slice by slice with 4.5 KiB of memory for them"));
  EXPECT_THAT(mapped.words(), HasSubstr("in mapped files"));
  for (std::size_t i = 0; i < 3; ++i) {
    for (const VolumeStore* store : {&resident, &cached, &mapped, &unmapped}) {
      const StoredVolume& volume = (*store)[i];
      EXPECT_EQ(volume.id, std::to_string(i));
      EXPECT_EQ(test::all_voxels(volume.image), grey_of(static_cast<int>(i)));
      EXPECT_EQ(test::all_voxels(*volume.label), labels_of(static_cast<int>(i)));
      EXPECT_EQ(volume.intensities.mean, resident[i].intensities.mean);
      EXPECT_EQ(volume.index->surface_voxels(), resident[i].index->surface_voxels());
    }
  }
}

TEST(VolumeStore, KnowsMeanAndDeviationOfEachVolume) {
  const test::VolumeFolder folder;
  const std::vector<std::uint8_t> voxels = grey_of(5);
  const std::vector<VolumePair> pairs{
      folder.add("a", kShape, voxels, labels_of(0)),
      folder.add("b", kShape, std::vector<std::uint8_t>(voxels.size(), 9), labels_of(1))};
  const VolumeStore store(pairs, {.threads = 2});
  double sum = 0;
  double squares = 0;
  for (const std::uint8_t voxel : voxels) {
    sum += voxel;
    squares += static_cast<double>(voxel) * voxel;
  }
  const auto count = static_cast<double>(voxels.size());
  const double mean = sum / count;
  const IntensityStatistics& statistics = store[0].intensities;
  EXPECT_NEAR(statistics.mean, mean, 1e-9);
  EXPECT_NEAR(statistics.deviation, std::sqrt(squares / count - mean * mean), 1e-9);
  EXPECT_EQ(statistics.lowest, *std::ranges::min_element(voxels));
  EXPECT_EQ(statistics.highest, *std::ranges::max_element(voxels));
  EXPECT_NEAR(mean * store[0].finish.scale + store[0].finish.offset, 0, 1e-5);
  EXPECT_NEAR((mean + statistics.deviation) * store[0].finish.scale + store[0].finish.offset, 1, 1e-5);
  EXPECT_EQ(9 * store[1].finish.scale + store[1].finish.offset, 0);
}

TEST(VolumeStore, ReadsBoxesThatReachBeyondAVolume) {
  const test::VolumeFolder folder;
  const std::vector<VolumePair> pairs{folder.add("a", kShape, grey_of(0), labels_of(0))};
  const VolumeStore store(pairs, {});
  const auto whole = grey_of(0);
  for (const Place& origin :
       {Place{-3, -5, -7}, Place{15, 20, 30}, Place{2, 3, 4}, Place{-50, 0, 0}, Place{0, 99, 0}}) {
    const media::VolumeShape box{9, 21, 25};
    std::vector<std::uint8_t> read(static_cast<std::size_t>(box.voxels()));
    std::vector<std::uint16_t> wide(read.size());
    store[0].image.read(origin, box, std::uint8_t{201}, read);
    store[0].image.read(origin, box, std::uint16_t{999}, wide);
    const auto expected = [&](int outside) {
      return [&, outside](std::int64_t z, std::int64_t y, std::int64_t x) {
        const Place p{origin.z + z, origin.y + y, origin.x + x};
        const bool is_inside =
            p.z >= 0 && p.z < kShape.depth && p.y >= 0 && p.y < kShape.height && p.x >= 0 && p.x < kShape.width;
        return is_inside ? whole[static_cast<std::size_t>((p.z * kShape.height + p.y) * kShape.width + p.x)] : outside;
      };
    };
    EXPECT_EQ(read, test::voxels_by<std::uint8_t>(box, expected(201)));
    EXPECT_EQ(wide, test::voxels_by<std::uint16_t>(box, expected(999)));
  }
}

TEST(VolumeStore, TakesLabelsOfSixteenBits) {
  const test::VolumeFolder folder;
  const VolumePair pair = folder.add("a", kShape, grey_of(0), labels_of(0));
  const auto labels = labels_of(2);
  test::write_tiff16(pair.label, {labels.begin(), labels.end()}, kShape);
  const std::vector<VolumePair> pairs{pair};
  EXPECT_EQ(test::all_voxels(*VolumeStore(pairs, {})[0].label), labels);
  EXPECT_EQ(test::all_voxels(*VolumeStore(pairs, {.memory_limit = 2000})[0].label), labels);
}

TEST(VolumeStore, NamesLabelsWithUnknownValuesAndHowManyVoxelsHaveThem) {
  const test::VolumeFolder folder;
  std::vector<std::uint8_t> masks = labels_of(0);
  std::ranges::replace(masks, 1, 255);
  masks[17] = 3;
  const auto many = static_cast<std::size_t>(std::ranges::count(masks, 255));
  const std::vector<VolumePair> pairs{folder.add("a", kShape, grey_of(0), labels_of(0)),
                                      folder.add("b", kShape, grey_of(0), masks),
                                      folder.add("c", kShape, grey_of(0), masks)};
  EXPECT_EQ(store_message(pairs),
            "label " + pairs[1].label.string() + " has unknown values: 3 (1 voxels), 255 or more (" +
                std::to_string(many) +
                " voxels); so have 1 other label(s); labels are 0 (background), 1 (surface) and 2 "
                "(ignore): write them anew with these values");
}

TEST(VolumeStore, NamesALabelOfAnotherShapeAndAFileThatIsTorn) {
  const test::VolumeFolder folder;
  VolumePair pair = folder.add("a", kShape, grey_of(0), labels_of(0));
  media::write_tiff(pair.label, std::vector<std::uint8_t>(10 * 33 * 47), {10, 33, 47});
  EXPECT_EQ(store_message({pair}),
            "label " + pair.label.string() + " is 10x33x47 voxels, but its volume " + pair.image.string() +
                " is 20x33x47; give the label that was drawn on this volume, or remove both files");
  pair = folder.add("a", kShape, grey_of(0), labels_of(0));
  std::vector<std::byte> bytes = read_file(pair.image);
  std::fill_n(bytes.begin() + 12, 30, std::byte{0xA5});
  write_file_atomically(pair.image, bytes);
  EXPECT_THAT(store_message({pair}),
              AllOf(HasSubstr("page 1 of " + pair.image.string() + " cannot be decoded as TIFF")));
}

TEST(VolumeStore, WantsMemoryForASliceAtLeast) {
  const test::VolumeFolder folder;
  const std::vector<VolumePair> pairs{folder.add("a", kShape, grey_of(0), labels_of(0))};
  EXPECT_THROW(VolumeStore(pairs, {.memory_limit = 1550}), UsageError);
  EXPECT_NO_THROW(VolumeStore(pairs, {.memory_limit = 1551}));
  EXPECT_THROW(VolumeStore(pairs, {.threads = 0}), UsageError);
}

TEST(VolumeStore, OpensRealVolumes) {
  const std::filesystem::path shared = test::shared_data("vnc");
  if (shared.empty()) {
    GTEST_SKIP() << "needs shared/data";
  }
  const VolumeFolders folders = find_volumes(shared);
  EXPECT_EQ(folders.train.size(), 3U);
  EXPECT_EQ(folders.test.size(), 1U);
  const VolumeStore store(folders.train, {.threads = 2});
  EXPECT_EQ(store[0].index->known_voxels(), 20U * 512 * 512);
  EXPECT_LT(store[1].index->known_voxels(), 20U * 512 * 512);  // 1001 has a band to ignore
  const std::filesystem::path instances = test::shared_data("tiff16");
  EXPECT_THAT(store_message({{"i", instances / "img3d.tif", instances / "mask3d.tif"}}),
              AllOf(HasSubstr("mask3d.tif has unknown values: 5 (1933 voxels), 8 (1159 voxels), 9 (142 voxels), "
                              "10 (783 voxels) and 47 more; labels are 0"),
                    HasSubstr("(ignore)")));
  const std::vector<VolumePair> unlabelled{{"i", instances / "img3d.tif", {}}};
  const VolumeStore images(unlabelled, {});
  EXPECT_FALSE(images[0].label.has_value());
  EXPECT_GT(images[0].intensities.highest, 255);
}

}  // namespace
}  // namespace lockstep::data::volume_store_test
