#include "lockstep/metrics/volume_scores.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <sstream>

#include "lockstep/base/files.h"
#include "lockstep/metrics/components.h"
#include "lockstep/metrics/volume_distance.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::metrics::volume_scores_test {
namespace {

constexpr double kTolerance = 1e-9;

template <typename T>
std::vector<T> read_values(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path);
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

void expect_components_and_distances(const std::filesystem::path& pair, const std::vector<std::uint8_t>& prediction,
                                     const media::VolumeShape& shape) {
  EXPECT_EQ(connected_components(prediction, shape, Connectivity::kFaces).labels,
            read_values<std::uint32_t>(pair.string() + ".faces"))
      << pair;
  EXPECT_EQ(connected_components(prediction, shape, Connectivity::kCorners).labels,
            read_values<std::uint32_t>(pair.string() + ".corners"))
      << pair;
  if (std::filesystem::exists(pair.string() + ".distances")) {
    EXPECT_EQ(squared_distances(prediction, shape), read_values<std::int32_t>(pair.string() + ".distances")) << pair;
  }
}

/// Compares with what volume_scores_reference.py left in a folder, and gives the number of pairs.
int expect_reference(const std::filesystem::path& folder) {
  std::ifstream lines(folder / "expected.txt");
  int pairs = 0;
  for (std::string line; std::getline(lines, line); ++pairs) {
    std::istringstream expected(line);
    std::string name;
    media::VolumeShape shape;
    expected >> name >> shape.depth >> shape.height >> shape.width;
    const std::vector<std::uint8_t> prediction = read_values<std::uint8_t>(folder / (name + ".prediction"));
    const std::vector<std::uint8_t> truth = read_values<std::uint8_t>(folder / (name + ".truth"));
    expect_components_and_distances(folder / name, prediction, shape);

    const VolumeScores scores = score_volume(prediction, truth, shape, {.topology = false, .threads = 2});
    const std::map<std::string, double> values =
        summarise_volumes(std::vector<std::vector<double>>{volume_record(scores)});
    std::string score;
    double value = 0;
    std::size_t compared = 0;
    for (; expected >> score >> value; ++compared) {
      EXPECT_NEAR(values.at(score), value, kTolerance) << name << ' ' << score;
    }
    EXPECT_EQ(compared, values.size()) << name;
  }
  return pairs;
}

TEST(VolumeScores, EqualThoseOfThePackagesOnMadeUpVolumes) {
  if (!test::python_has({"cc3d", "surface_distance", "skimage"})) {
    GTEST_SKIP() << "needs Python with connected-components-3d, surface-distance and scikit-image";
  }
  const test::TempFolder folder;
  const test::ProcessResult result =
      test::run_python("tests/metrics/volume_scores_reference.py", {folder.path().string()});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(expect_reference(folder.path()), 80);
}

TEST(VolumeScores, EqualThoseOfThePackagesOnMembranes) {
  const std::filesystem::path volumes = test::shared_data("vnc");
  if (volumes.empty() || !test::python_has({"cc3d", "surface_distance", "skimage", "tifffile"})) {
    GTEST_SKIP() << "needs the volumes of membranes and Python with connected-components-3d, surface-distance, "
                    "scikit-image and tifffile";
  }
  const test::TempFolder folder;
  const test::ProcessResult result = test::run_python("tests/metrics/volume_scores_reference.py",
                                                      {folder.path().string(), (volumes / "train_labels").string()});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(expect_reference(folder.path()), 6);
}

TEST(VolumeScores, OfARightPredictionAreOne) {
  const media::VolumeShape shape{6, 7, 8};
  std::vector<std::uint8_t> volume(static_cast<std::size_t>(shape.voxels()), 0);
  for (std::int64_t z = 1; z < 5; ++z) {
    volume[shape.at(z, 3, 3)] = 1;
    volume[shape.at(z, 6, 7)] = 1;
  }
  const VolumeScores scores = score_volume(volume, volume, shape);
  EXPECT_EQ(scores.dice, 1);
  EXPECT_EQ(scores.surface_dice, 1);
  EXPECT_EQ(scores.voi_score, 1);
  EXPECT_EQ(scores.topo_score, 1);
  EXPECT_DOUBLE_EQ(scores.total.value(), 1);
}

TEST(VolumeScores, OfTwoEmptyVolumesAreOne) {
  const std::vector<std::uint8_t> empty(27, 0);
  const VolumeScores scores = score_volume(empty, empty, {3, 3, 3});
  EXPECT_EQ(scores.dice, 1);
  EXPECT_EQ(scores.voi_split, 0);
  EXPECT_DOUBLE_EQ(scores.total.value(), 1);
}

TEST(VolumeScores, DoNotSeeWhatThePredictionSaysAboutIgnoredVoxels) {
  const media::VolumeShape shape{1, 2, 4};
  const std::vector<std::uint8_t> truth{1, 1, 0, 2, 0, 0, 0, 2};
  const std::vector<std::uint8_t> prediction{1, 1, 0, 1, 0, 0, 0, 0};
  const VolumeScores scores = score_volume(prediction, truth, shape);
  EXPECT_EQ(scores.dice, 1);
  EXPECT_DOUBLE_EQ(scores.total.value(), 1);
}

TEST(VolumeScores, TakeAnIgnoredLabelInThePredictionForBackground) {
  const std::vector<std::uint8_t> truth{1, 0, 0, 0};
  const std::vector<std::uint8_t> prediction{1, 2, 2, 2};
  EXPECT_EQ(score_volume(prediction, truth, {1, 1, 4}).dice, 1);
}

TEST(VolumeScores, TheTotalWeighsTheThreeScores) {
  const media::VolumeShape shape{1, 1, 24};
  std::vector<std::uint8_t> truth(24, 0);
  std::vector<std::uint8_t> prediction(24, 0);
  truth[2] = truth[3] = truth[20] = 1;
  prediction[2] = prediction[12] = 1;
  const VolumeScores scores = score_volume(prediction, truth, shape);
  EXPECT_GT(scores.surface_dice, 0.5);
  EXPECT_LT(scores.surface_dice, 0.8);
  EXPECT_DOUBLE_EQ(scores.total.value(),
                   0.30 * scores.topo_score.value() + 0.35 * scores.surface_dice + 0.35 * scores.voi_score);
}

TEST(VolumeScores, WithoutTopologyHaveNeitherTopoScoreNorTotal) {
  const std::vector<std::uint8_t> volume(8, 1);
  const VolumeScores scores = score_volume(volume, volume, {2, 2, 2}, {.topology = false});
  EXPECT_FALSE(scores.topo_score.has_value());
  const std::map<std::string, double> values =
      summarise_volumes(std::vector<std::vector<double>>{volume_record(scores)});
  EXPECT_FALSE(values.contains("topo_score"));
  EXPECT_FALSE(values.contains("total"));
  EXPECT_EQ(values.at("dice"), 1);
}

TEST(VolumeScores, AreAveragedOverTheVolumes) {
  VolumeScores good{.dice = 1, .surface_dice = 0.5, .topo_score = 1, .total = 1};
  VolumeScores bad{.dice = 0, .surface_dice = 0, .topo_score = 0.5, .total = 0};
  const std::map<std::string, double> values =
      summarise_volumes(std::vector<std::vector<double>>{volume_record(good), volume_record(bad)});
  EXPECT_EQ(values.at("dice"), 0.5);
  EXPECT_EQ(values.at("surface_dice"), 0.25);
  EXPECT_EQ(values.at("topo_score"), 0.75);
  EXPECT_EQ(volume_record_length(), static_cast<std::int64_t>(volume_record(good).size()));
  EXPECT_TRUE(summarise_volumes({}).empty());
}

}  // namespace
}  // namespace lockstep::metrics::volume_scores_test
