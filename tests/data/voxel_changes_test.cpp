#include "lockstep/data/voxel_changes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lockstep::data::voxel_changes_test {
namespace {

constexpr RandomKey kKey{3, Purpose::kAugment, 2, 1, 1};
constexpr IntensityStatistics kStatistics{.mean = 100, .deviation = 30, .lowest = 10, .highest = 210};

TEST(ChangedLevel, FollowsTheFormulas) {
  EXPECT_DOUBLE_EQ(changed_level(60, {.brightness = 1.2}, kStatistics), 10 + 50 * 1.2);
  EXPECT_DOUBLE_EQ(changed_level(60, {.contrast = 0.5}, kStatistics), 80);
  EXPECT_DOUBLE_EQ(changed_level(60, {.gamma = 2}, kStatistics), 10 + 200 * 0.0625);
  EXPECT_DOUBLE_EQ(changed_level(60, {.brightness = 2, .contrast = 0.5, .gamma = 2}, kStatistics),
                   10 + 200 * std::pow((105.0 - 10) / 200, 2));
  EXPECT_DOUBLE_EQ(changed_level(10, {.brightness = 1, .contrast = 2, .gamma = 0.5}, kStatistics), 10);
}

TEST(ChangeVoxels, RoundsWhatTheFormulasGiveAndCutsItOff) {
  const VoxelChange change{.brightness = 1.25, .contrast = 1.4};
  std::vector<std::uint8_t> voxels;
  for (int level = 10; level <= 210; ++level) {
    voxels.push_back(static_cast<std::uint8_t>(level));
  }
  std::vector<std::uint16_t> wide(voxels.begin(), voxels.end());
  change_voxels(change, kStatistics, kKey, std::span(voxels));
  change_voxels(change, kStatistics, kKey, std::span(wide));
  int cut = 0;
  for (std::size_t i = 0; i < voxels.size(); ++i) {
    const double level = changed_level(static_cast<double>(i) + 10, change, kStatistics);
    EXPECT_EQ(voxels[i], std::lround(std::clamp(level, 0.0, 255.0)));
    EXPECT_EQ(wide[i], std::lround(std::clamp(level, 0.0, 65535.0)));
    cut += level > 255 || level < 0 ? 1 : 0;
  }
  EXPECT_GT(cut, 10);
}

TEST(ChangeVoxels, ChangesNothingWithoutAChange) {
  std::vector<std::uint8_t> voxels{10, 99, 210};
  change_voxels({}, kStatistics, kKey, std::span(voxels));
  EXPECT_EQ(voxels, (std::vector<std::uint8_t>{10, 99, 210}));
}

/// The share of a normal variable below a number of deviations.
double normal_share(double deviations) { return std::erfc(-deviations / std::numbers::sqrt2) / 2; }

TEST(ChangeVoxels, AddsNoiseThatIsGaussian) {
  constexpr std::size_t kVoxels = 1 << 20;
  constexpr double kDeviation = 1000;
  std::vector<std::uint16_t> voxels(kVoxels, 30000);
  const IntensityStatistics statistics{.mean = 30000, .deviation = 10000, .lowest = 30000, .highest = 30000};
  change_voxels({.noise = 0.1}, statistics, kKey, std::span(voxels));
  double sum = 0;
  double squares = 0;
  double fourths = 0;
  double neighbours = 0;
  for (std::size_t i = 0; i < kVoxels; ++i) {
    const double z = (voxels[i] - 30000.0) / kDeviation;
    sum += z;
    squares += z * z;
    fourths += z * z * z * z;
    neighbours += i > 0 ? z * (voxels[i - 1] - 30000.0) / kDeviation : 0;
  }
  const auto count = static_cast<double>(kVoxels);
  EXPECT_NEAR(sum / count, 0, 0.005);  // five deviations of the mean of so many
  EXPECT_NEAR(squares / count, 1, 0.008);
  EXPECT_NEAR(fourths / count, 3, 0.06);
  EXPECT_NEAR(neighbours / count, 0, 0.005);
  std::ranges::sort(voxels);
  for (const double z : {-3.0, -2.0, -1.0, -0.3, 0.0, 0.7, 1.5, 2.5, 3.2}) {
    const auto below = std::ranges::lower_bound(voxels, static_cast<std::uint16_t>(30000.5 + kDeviation * z));
    EXPECT_NEAR(static_cast<double>(below - voxels.begin()) / count, normal_share(z), 0.003) << z;
  }
}

TEST(ChangeVoxels, GivesEveryVoxelNoiseOfItsOwnThatItsKeyDecides) {
  const IntensityStatistics statistics{.mean = 120, .deviation = 60, .lowest = 120, .highest = 120};
  const auto noisy = [&](std::size_t count, const RandomKey& key) {
    std::vector<std::uint8_t> voxels(count, 120);
    change_voxels({.noise = 0.5}, statistics, key, std::span(voxels));
    return voxels;
  };
  const auto whole = noisy(10'001, kKey);
  for (const std::size_t count : {1U, 2U, 7U, 4095U, 4096U, 4097U, 10'000U}) {
    EXPECT_TRUE(std::ranges::equal(noisy(count, kKey), std::span(whole).first(count))) << count;
  }
  RandomKey other = kKey;
  ++other.sample;
  EXPECT_NE(noisy(10'001, other), whole);
  // Voxel 5 has the upper half of word 2.
  RandomStream words(kKey);
  words.next();
  words.next();
  const double share = ((words.next() >> 16U) % 4096 + 0.5) / 4096;
  EXPECT_NEAR(normal_share((whole[5] - 120) / 30.0), share, 0.02);
}

TEST(DrawChange, ComesAsOftenAndAsFarAsTheOptionsSay) {
  const IntensityChanges options{.brightness_chance = 0.5, .most_brightness = 0.1, .gamma_chance = 0};
  RandomStream random({1, Purpose::kAugment});
  int bright = 0;
  int noisy = 0;
  for (int i = 0; i < 4000; ++i) {
    const VoxelChange change = draw_change(options, random);
    bright += change.brightness != 1 ? 1 : 0;
    noisy += change.noise > 0 ? 1 : 0;
    EXPECT_LE(std::abs(change.brightness - 1), 0.1);
    EXPECT_LE(std::abs(change.contrast - 1), 0.25);
    EXPECT_EQ(change.gamma, 1);
    EXPECT_LE(change.noise, 0.1);
  }
  EXPECT_NEAR(bright, 2000, 160);
  EXPECT_NEAR(noisy, 400, 95);
}

}  // namespace
}  // namespace lockstep::data::voxel_changes_test
