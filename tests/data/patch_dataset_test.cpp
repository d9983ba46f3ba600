#include "lockstep/data/patch_dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "lockstep/base/error.h"
#include "lockstep/data/batch.h"
#include "lockstep/data/loader.h"
#include "lockstep/data/tile_dataset.h"
#include "tests/data/volume_samples.h"
#include "tests/support/process.h"

namespace lockstep::data::patch_dataset_test {
namespace {

using media::VolumeShape;
using ::testing::HasSubstr;

constexpr VolumeShape kShape{24, 40, 56};

/// A voxel tells where it is, as well as 8 bits can.
int value_at(std::int64_t z, std::int64_t y, std::int64_t x) { return static_cast<int>(z * 31 + y * 17 + x * 5) % 251; }

/// A thin sheet of surface, a corner to ignore.
int label_at(std::int64_t z, std::int64_t y, std::int64_t x) {
  return z < 6 && y < 20 ? kIgnore : (y == 30 && x % 7 == 0 ? kSurface : kBackground);
}

Batch load_draws(const Dataset& dataset, std::uint64_t count, std::uint64_t epoch = 0, std::uint64_t seed = 7) {
  std::vector<Draw> draws;
  for (std::uint64_t i = 0; i < count; ++i) {
    draws.push_back({seed, epoch, i, i % dataset.size()});
  }
  return load_batch(dataset, std::move(draws));
}

template <typename T>
std::span<const T> field(const Batch& batch, std::size_t number, std::size_t sample) {
  const std::size_t bytes = batch.layout[number].bytes();
  return {reinterpret_cast<const T*>(batch.fields[number].data() + sample * bytes), bytes / sizeof(T)};
}

bool same_fields(const Batch& one, const Batch& other) {
  for (std::size_t i = 0; i < one.fields.size(); ++i) {
    if (!std::ranges::equal(one.fields[i], other.fields[i])) {
      return false;
    }
  }
  return one.size() == other.size();
}

class Patches : public testing::Test {
 protected:
  Patches() {
    for (const char* id : {"a", "b"}) {
      pairs_.push_back(folder_.add(id, kShape, test::voxels_by<std::uint8_t>(kShape, value_at),
                                   test::voxels_by<std::uint8_t>(kShape, label_at)));
    }
    store_ = std::make_unique<VolumeStore>(pairs_, VolumeStoreOptions{.threads = 2});
  }

  test::VolumeFolder folder_;
  std::vector<VolumePair> pairs_;
  std::unique_ptr<VolumeStore> store_;
};

PatchOptions without_changes(const VolumeShape& patch) {
  return {.patch = patch,
          .changes = {.brightness_chance = 0, .contrast_chance = 0, .gamma_chance = 0, .noise_chance = 0}};
}

TEST_F(Patches, AreFunctionsOfTheDraw) {
  const PatchDataset dataset(*store_, {0, 1}, {.patch = {16, 16, 16}, .samples_per_epoch = 40});
  EXPECT_EQ(dataset.size(), 40U);
  const Batch first = load_draws(dataset, 40);
  EXPECT_TRUE(same_fields(first, load_draws(dataset, 40)));
  EXPECT_FALSE(same_fields(first, load_draws(dataset, 40, 1)));
  EXPECT_FALSE(same_fields(first, load_draws(dataset, 40, 0, 8)));
  EXPECT_EQ(PatchDataset(*store_, {0, 1}, {}).size(), 32U);
  EXPECT_EQ(dataset.name(1), "a patch of " + pairs_[1].image.string());
}

TEST_F(Patches, AreTheSameByManyThreadsAndSliceBySlice) {
  const PatchOptions options{.patch = {16, 24, 24}, .samples_per_epoch = 30};
  const PatchDataset dataset(*store_, {0, 1}, options);
  const VolumeStore small(pairs_, {.memory_limit = 4 * 40 * 56, .threads = 1});
  ASSERT_FALSE(small.is_resident());
  const PatchDataset by_slice(small, {0, 1}, options);
  const BatchPlan plan{.samples_per_epoch = 30, .global_batch = 10, .per_rank_batch = 5, .world_size = 2};
  DecodePool pool(4);
  Loader loader(pool, by_slice, plan, {.seed = 7, .end_epoch = 2});
  for (int step = 0; step < 6; ++step) {
    for (int rank = 0; rank < 2; ++rank) {
      const Batch batch = loader.next(rank);
      ASSERT_TRUE(same_fields(batch, load_batch(dataset, batch.draws)));
    }
  }
}

TEST_F(Patches, ShowImageAndLabelOfTheSamePlaceTurnedAlikeInEveryWay) {
  const PatchDataset dataset(*store_, {0}, without_changes({9, 9, 9}));
  const Batch batch = load_draws(dataset, 400);
  std::set<std::size_t> turns_seen;
  for (std::size_t sample = 0; sample < batch.size(); ++sample) {
    const auto place = field<std::int64_t>(batch, kPlaceField, sample);
    EXPECT_EQ(place[0], 0);
    const Place origin{place[1], place[2], place[3]};
    const VolumeShape patch{9, 9, 9};
    std::vector<std::uint8_t> image(729);
    std::vector<std::uint8_t> label(729);
    (*store_)[0].image.read(origin, patch, std::uint8_t{0}, image);
    (*store_)[0].label->read(origin, patch, kIgnore, label);
    const std::vector<AxisTurn> turns = turns_of(Symmetries::kAll, patch);
    bool found = false;
    for (std::size_t i = 0; i < turns.size() && !found; ++i) {
      std::vector<std::uint8_t> turned(729);
      turn_voxels(std::span<const std::uint8_t>(image), patch, turns[i], turned);
      if (std::ranges::equal(turned, field<std::uint8_t>(batch, kImageField, sample))) {
        turn_voxels(std::span<const std::uint8_t>(label), patch, turns[i], turned);
        EXPECT_TRUE(std::ranges::equal(turned, field<std::uint8_t>(batch, kLabelField, sample)));
        turns_seen.insert(i);
        found = true;
      }
    }
    EXPECT_TRUE(found) << sample;
  }
  EXPECT_EQ(turns_seen.size(), 48U);
}

TEST_F(Patches, HaveTheSurfaceInTheirMiddleAsOftenAsAskedFor) {
  const auto share_with_surface = [&](double asked) {
    PatchOptions options = without_changes({5, 5, 5});
    options.foreground_share = asked;
    const Batch batch = load_draws(PatchDataset(*store_, {0, 1}, options), 1500);
    int hits = 0;
    for (std::size_t sample = 0; sample < batch.size(); ++sample) {
      hits += field<std::uint8_t>(batch, kLabelField, sample)[62] == kSurface ? 1 : 0;
    }
    return hits / 1500.0;
  };
  // The sheet is 1 voxel in 300. Patches at the faces of the volume are moved: a few lose their middle.
  EXPECT_LT(share_with_surface(0), 0.02);
  EXPECT_NEAR(share_with_surface(0.5), 0.42, 0.06);
  EXPECT_GT(share_with_surface(1), 0.75);
}

TEST_F(Patches, AreSpreadOverTheWholeVolumeButWhatIsToBeIgnored) {
  PatchOptions options = without_changes({4, 4, 4});
  options.foreground_share = 0;
  const Batch batch = load_draws(PatchDataset(*store_, {0}, options), 4000);
  std::array<int, 3> highest{};
  std::array<int, 3> lowest{99, 99, 99};
  for (std::size_t sample = 0; sample < batch.size(); ++sample) {
    const auto place = field<std::int64_t>(batch, kPlaceField, sample);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      highest[axis] = std::max(highest[axis], static_cast<int>(place[axis + 1]));
      lowest[axis] = std::min(lowest[axis], static_cast<int>(place[axis + 1]));
    }
    EXPECT_NE(label_at(place[1] + 2, place[2] + 2, place[3] + 2), kIgnore);
  }
  EXPECT_THAT(lowest, testing::ElementsAre(0, 0, 0));
  EXPECT_THAT(highest, testing::ElementsAre(20, 36, 52));
}

TEST_F(Patches, ThatAreLargerThanAVolumeLieAroundIt) {
  const VolumeShape patch{32, 16, 64};
  const Batch batch = load_draws(PatchDataset(*store_, {0}, without_changes(patch)), 20);
  const auto mean = static_cast<std::uint8_t>(std::lround((*store_)[0].intensities.mean));
  for (std::size_t sample = 0; sample < batch.size(); ++sample) {
    const auto place = field<std::int64_t>(batch, kPlaceField, sample);
    EXPECT_EQ(place[1], -4);
    EXPECT_EQ(place[3], -4);
    const auto labels = field<std::uint8_t>(batch, kLabelField, sample);
    const auto image = field<std::uint8_t>(batch, kImageField, sample);
    const std::size_t slice = 16 * 64;
    for (const std::size_t z : {0U, 3U, 28U, 31U}) {
      EXPECT_TRUE(std::ranges::all_of(labels.subspan(z * slice, slice), [](auto v) { return v == kIgnore; }));
      EXPECT_TRUE(std::ranges::all_of(image.subspan(z * slice, slice), [&](auto v) { return v == mean; }));
    }
    EXPECT_FALSE(std::ranges::all_of(labels.subspan(10 * slice, slice), [](auto v) { return v == kIgnore; }));
    EXPECT_EQ(labels[10 * slice + 3], kIgnore);
  }
}

TEST_F(Patches, AreChangedInTheirIntensitiesAndNeverInTheirLabels) {
  PatchOptions options = without_changes({16, 16, 16});
  const Batch plain = load_draws(PatchDataset(*store_, {0, 1}, options), 60);
  options.changes = {.brightness_chance = 0, .contrast_chance = 0, .gamma_chance = 0, .noise_chance = 1};
  const Batch noisy = load_draws(PatchDataset(*store_, {0, 1}, options), 60);
  EXPECT_TRUE(std::ranges::equal(plain.fields[kLabelField], noisy.fields[kLabelField]));
  double squares = 0;
  for (std::size_t sample = 0; sample < plain.size(); ++sample) {
    const auto before = field<std::uint8_t>(plain, kImageField, sample);
    const auto after = field<std::uint8_t>(noisy, kImageField, sample);
    for (std::size_t i = 0; i < before.size(); ++i) {
      squares += (after[i] - before[i]) * (after[i] - before[i]);
    }
  }
  const double deviation = std::sqrt(squares / (60.0 * 16 * 16 * 16));
  // Uniform from 0 to a tenth of the volume's deviation: its root mean square is 0.1 / sqrt(3).
  EXPECT_NEAR(deviation, (*store_)[0].intensities.deviation * 0.1 / std::sqrt(3.0), 1.0);
}

TEST_F(Patches, AreAsTheyAreInTheVolumeWithoutAugmentation) {
  const PatchDataset dataset(*store_, {0, 1}, {.patch = {7, 8, 9}, .augment = false});
  const Batch batch = load_draws(dataset, 30);
  for (std::size_t sample = 0; sample < batch.size(); ++sample) {
    const auto place = field<std::int64_t>(batch, kPlaceField, sample);
    const auto expected = test::voxels_by<std::uint8_t>({7, 8, 9}, [&](std::int64_t z, std::int64_t y, std::int64_t x) {
      return value_at(place[1] + z, place[2] + y, place[3] + x);
    });
    ASSERT_TRUE(std::ranges::equal(field<std::uint8_t>(batch, kImageField, sample), expected));
  }
}

/// A volume whose levels rise along its width and whose labels come in stripes across it.
class ZoomedPatches : public testing::Test {
 protected:
  static constexpr VolumeShape kWide{40, 40, 100};
  static int level_at(std::int64_t, std::int64_t, std::int64_t x) { return static_cast<int>(2 * x + 20); }
  static int stripe_at(std::int64_t, std::int64_t, std::int64_t x) { return x / 10 % 2 == 0 ? kBackground : kSurface; }

  ZoomedPatches() {
    const VolumePair pair = folder_.add("a", kWide, test::voxels_by<std::uint8_t>(kWide, level_at),
                                        test::voxels_by<std::uint8_t>(kWide, stripe_at));
    store_ = std::make_unique<VolumeStore>(std::span(&pair, 1), VolumeStoreOptions{});
  }

  static PatchOptions options(double most) {
    PatchOptions options = without_changes({10, 12, 20});
    options.symmetries = Symmetries::kNone;
    options.zoom = {.chance = 1, .most = most};
    return options;
  }

  test::VolumeFolder folder_;
  std::unique_ptr<VolumeStore> store_;
};

TEST_F(ZoomedPatches, ShowImageAndLabelOfTheSamePlaceStretched) {
  const Batch batch = load_draws(PatchDataset(*store_, {0}, options(0.5)), 200);
  double steepest = 0;
  double flattest = 99;
  for (std::size_t sample = 0; sample < batch.size(); ++sample) {
    const auto image = field<std::uint8_t>(batch, kImageField, sample);
    const auto labels = field<std::uint8_t>(batch, kLabelField, sample);
    const auto place = field<std::int64_t>(batch, kPlaceField, sample);
    // Levels rise by 2 a voxel of the volume: the first and the last voxel tell how long the box was.
    const double slope = (image[18] - image[1]) / 17.0;
    const double box = 20 * slope / 2;
    steepest = std::max(steepest, slope);
    flattest = std::min(flattest, slope);
    for (std::size_t i = 0; i < 20; ++i) {
      const double x = static_cast<double>(place[3]) + (static_cast<double>(i) + 0.5) * box / 20;
      if (i > 0 && i < 19) {
        EXPECT_NEAR(image[i], 2 * (x - 0.5) + 20, 2) << sample;
      }
      if (std::abs(x / 10 - std::round(x / 10)) > 0.15) {  // not at the edge of a stripe
        EXPECT_EQ(labels[i], stripe_at(0, 0, static_cast<std::int64_t>(x))) << sample;
      }
    }
  }
  EXPECT_GT(steepest, 2 * 1.4);
  EXPECT_LT(steepest, 2 * 1.6);
  EXPECT_LT(flattest, 2 / 1.4);
  EXPECT_GT(flattest, 2 / 1.65);
}

TEST_F(ZoomedPatches, AreAsOftenAsTheirChanceAndNeverWithoutAugmentation) {
  const auto count_zoomed = [&](const PatchOptions& options) {
    const Batch batch = load_draws(PatchDataset(*store_, {0}, options), 1000);
    int zoomed = 0;
    for (std::size_t sample = 0; sample < batch.size(); ++sample) {
      const auto image = field<std::uint8_t>(batch, kImageField, sample);
      zoomed += image[19] - image[0] == 38 ? 0 : 1;
    }
    return zoomed;
  };
  PatchOptions zooming = options(1);
  zooming.zoom.chance = 0.2;
  EXPECT_NEAR(count_zoomed(zooming), 190, 50);  // a side of 20 stays as it is now and then
  zooming.zoom.chance = 1;
  zooming.augment = false;
  EXPECT_EQ(count_zoomed(zooming), 0);
  EXPECT_EQ(count_zoomed(options(0)), 0);
}

TEST_F(ZoomedPatches, OfThinVolumesHaveNothingAroundThemThatCounts) {
  PatchOptions thin = options(1);
  thin.patch = {48, 8, 8};
  const Batch batch = load_draws(PatchDataset(*store_, {0}, thin), 40);
  std::set<std::int64_t> slices_inside;
  for (std::size_t sample = 0; sample < batch.size(); ++sample) {
    const auto labels = field<std::uint8_t>(batch, kLabelField, sample);
    std::int64_t inside = 0;
    for (std::size_t z = 0; z < 48; ++z) {
      const auto slice = labels.subspan(z * 64, 64);
      const auto ignored = std::ranges::count(slice, kIgnore);
      ASSERT_TRUE(ignored == 0 || ignored == 64);
      inside += ignored == 0 ? 1 : 0;
    }
    slices_inside.insert(inside);
  }
  EXPECT_LT(*slices_inside.begin(), 24);
  EXPECT_EQ(*slices_inside.rbegin(), 48);
}

TEST_F(Patches, KnowTheNumberOfTheirVoxelsThatCount) {
  const auto expect_counted = [&](const VolumeStore& store, PatchOptions options) {
    for (const double zoom : {0.0, 0.8}) {
      options.zoom = {.chance = 0.5, .most = zoom};
      const PatchDataset dataset(store, {0}, options);
      const Batch batch = load_draws(dataset, 60);
      for (std::size_t sample = 0; sample < batch.size(); ++sample) {
        const auto labels = field<std::uint8_t>(batch, kLabelField, sample);
        ASSERT_EQ(dataset.known_voxels(batch.draws[sample]),
                  static_cast<std::int64_t>(labels.size()) - std::ranges::count(labels, kIgnore));
      }
    }
  };
  const test::VolumeFolder folder;
  const VolumePair decided =
      folder.add("a", kShape, test::voxels_by<std::uint8_t>(kShape, value_at),
                 test::voxels_by<std::uint8_t>(kShape, [](auto, auto y, auto) { return y % 9 == 0 ? 1 : 0; }));
  const VolumeStore all_decided(std::span(&decided, 1), {});
  for (const VolumeShape& patch : {VolumeShape{12, 16, 16}, VolumeShape{32, 16, 64}}) {
    expect_counted(*store_, without_changes(patch));
    expect_counted(all_decided, without_changes(patch));
  }
}

TEST(PatchesOfSixteenBits, KeepThemAndWidenTheOthers) {
  const test::VolumeFolder folder;
  std::vector<VolumePair> pairs{folder.add("a", kShape, test::voxels_by<std::uint8_t>(kShape, value_at),
                                           test::voxels_by<std::uint8_t>(kShape, label_at)),
                                folder.add("b", kShape, test::voxels_by<std::uint8_t>(kShape, value_at),
                                           test::voxels_by<std::uint8_t>(kShape, label_at))};
  const auto wide = [](std::int64_t z, std::int64_t y, std::int64_t x) { return 200 * value_at(z, y, x); };
  test::write_tiff16(pairs[1].image, test::voxels_by<std::uint16_t>(kShape, wide), kShape);
  const VolumeStore store(pairs, {});
  PatchOptions options = without_changes({8, 8, 8});
  options.augment = false;
  const PatchDataset dataset(store, {0, 1}, options);
  EXPECT_EQ(dataset.layout()[kImageField].dtype, DType::kUInt16);
  const Batch batch = load_draws(dataset, 20);
  for (std::size_t sample = 0; sample < batch.size(); ++sample) {
    const auto place = field<std::int64_t>(batch, kPlaceField, sample);
    const auto voxel = field<std::uint16_t>(batch, kImageField, sample)[0];
    EXPECT_EQ(voxel, (place[0] == 1 ? 200 : 1) * value_at(place[1], place[2], place[3]));
    PatchFinish finish;
    std::memcpy(&finish, field<std::byte>(batch, kFinishField, sample).data(), sizeof(finish));
    EXPECT_NEAR(finish.scale * store[sample % 2].intensities.deviation, 1, 1e-5);
  }
  // With one such volume in the store the layout is the same for those of 8 bits.
  EXPECT_EQ(PatchDataset(store, {0}, options).layout()[kImageField].dtype, DType::kUInt16);
}

TEST(PatchOptions, RefusesWhatCannotBe) {
  const auto refused = [](const auto& spoil) {
    PatchOptions options;
    spoil(options);
    EXPECT_THROW(options.validate(), UsageError);
  };
  EXPECT_NO_THROW(PatchOptions{}.validate());
  refused([](PatchOptions& o) { o.patch.depth = 0; });
  refused([](PatchOptions& o) { o.patch = {4000, 4000, 4000}; });
  refused([](PatchOptions& o) { o.foreground_share = 1.1; });
  refused([](PatchOptions& o) { o.samples_per_epoch = 0; });
  refused([](PatchOptions& o) { o.changes.noise_chance = -1; });
  refused([](PatchOptions& o) { o.changes.least_gamma = 0; });
  refused([](PatchOptions& o) { o.changes.most_gamma = 0.5; });
  refused([](PatchOptions& o) { o.zoom.most = 1.1; });
  refused([](PatchOptions& o) { o.zoom.chance = -0.1; });
  EXPECT_THROW((TileOptions{.patch = {8, 8, 8}, .context = 4}.validate()), UsageError);
  EXPECT_THROW((TileOptions{.patch = {8, 8, 8}, .context = -1}.validate()), UsageError);
}

// ---- tiles

TEST_F(Patches, OfAnEvaluationCountEveryVoxelOnceWithItsContext) {
  for (const auto& [patch, context] :
       {std::pair(VolumeShape{8, 8, 8}, 0), std::pair(VolumeShape{16, 16, 24}, 3), std::pair(VolumeShape{9, 41, 7}, 2),
        std::pair(VolumeShape{64, 64, 64}, 0), std::pair(VolumeShape{24, 40, 56}, 5)}) {
    const TileDataset tiles(*store_, {1, 0}, {.patch = patch, .context = context});
    std::array<std::vector<int>, 2> counted{std::vector<int>(static_cast<std::size_t>(kShape.voxels())),
                                            std::vector<int>(static_cast<std::size_t>(kShape.voxels()))};
    const Batch batch = load_draws(tiles, tiles.size());
    for (std::size_t sample = 0; sample < batch.size(); ++sample) {
      const Tile& tile = tiles.tile(sample);
      const auto place = field<std::int64_t>(batch, kPlaceField, sample);
      EXPECT_EQ(place[0], static_cast<std::int64_t>(tile.volume));
      EXPECT_EQ((Place{place[1], place[2], place[3]}), tile.origin);
      const auto labels = field<std::uint8_t>(batch, kLabelField, sample);
      const auto image = field<std::uint8_t>(batch, kImageField, sample);
      std::size_t i = 0;
      for (std::int64_t z = tile.origin.z; z < tile.origin.z + patch.depth; ++z) {
        for (std::int64_t y = tile.origin.y; y < tile.origin.y + patch.height; ++y) {
          for (std::int64_t x = tile.origin.x; x < tile.origin.x + patch.width; ++x, ++i) {
            const bool is_inside =
                z >= 0 && z < kShape.depth && y >= 0 && y < kShape.height && x >= 0 && x < kShape.width;
            if (is_inside) {
              ASSERT_EQ(image[i], value_at(z, y, x));
            }
            if (labels[i] == kIgnore) {
              continue;
            }
            ASSERT_TRUE(is_inside);
            ASSERT_EQ(labels[i], label_at(z, y, x));
            ++counted[tile.volume][static_cast<std::size_t>((z * kShape.height + y) * kShape.width + x)];
            // What counts has its context, unless the volume ends there.
            const std::int64_t from_left = x - tile.origin.x;
            ASSERT_TRUE(from_left >= context || tile.origin.x <= 0);
            ASSERT_TRUE(patch.width - 1 - from_left >= context || tile.origin.x + patch.width >= kShape.width);
          }
        }
      }
    }
    for (const std::vector<int>& volume : counted) {
      std::size_t i = 0;
      for (const int label : test::voxels_by<std::uint8_t>(kShape, label_at)) {
        ASSERT_EQ(volume[i++], label == kIgnore ? 0 : 1);
      }
    }
  }
}

TEST_F(Patches, OfAnEvaluationAreAsFewAsCanBeAndTheSameInEveryEpoch) {
  const TileDataset tiles(*store_, {0}, {.patch = {24, 20, 28}});
  EXPECT_EQ(tiles.size(), 4U);
  EXPECT_TRUE(same_fields(load_draws(tiles, 4), load_draws(tiles, 4, 5, 9)));
  EXPECT_EQ(tiles.name(3), "a tile of " + pairs_[0].image.string());
  EXPECT_EQ(TileDataset(*store_, {0}, {.patch = {24, 20, 28}, .context = 1}).size(), 9U);
}

TEST(RealPatches, HaveMembranesInTheirMiddle) {
  const std::filesystem::path shared = test::shared_data("vnc");
  if (shared.empty()) {
    GTEST_SKIP() << "needs shared/data";
  }
  const VolumeStore store(find_volumes(shared).train, {.threads = 2});
  PatchOptions options = without_changes({17, 65, 65});
  options.foreground_share = 1;
  const PatchDataset dataset(store, {0, 1, 2}, options);
  EXPECT_EQ(dataset.size(), 48U);
  const Batch batch = load_draws(dataset, 48);
  int hits = 0;
  for (std::size_t sample = 0; sample < batch.size(); ++sample) {
    const auto labels = field<std::uint8_t>(batch, kLabelField, sample);
    hits += std::ranges::count(labels, kSurface) > 0 ? 1 : 0;
  }
  EXPECT_EQ(hits, 48);
}

}  // namespace
}  // namespace lockstep::data::patch_dataset_test
