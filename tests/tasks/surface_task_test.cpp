#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>

#include "lockstep/base/error.h"
#include "lockstep/data/batch.h"
#include "lockstep/media/tiff.h"
#include "lockstep/tasks/surface/model.h"
#include "lockstep/tasks/surface/postprocessing.h"
#include "lockstep/tasks/surface/predict.h"
#include "lockstep/tasks/surface/submission.h"
#include "lockstep/tasks/surface/task.h"
#include "tests/support/logged_lines.h"
#include "tests/support/membranes.h"
#include "tests/support/temp_folder.h"

namespace lockstep::tasks::surface::surface_task_test {
namespace {

constexpr media::VolumeShape kVolume{6, 24, 28};

Options small_options(const std::filesystem::path& dataset) {
  Options options;
  options.dataset_path = dataset;
  options.patch_size = "8,16,16";
  options.width = 4;
  options.encoder_blocks = "1";
  return options;
}

/// A dataset of two volumes to learn from and one to evaluate on.
class SurfaceTaskTest : public testing::Test {
 protected:
  SurfaceTaskTest() { test::write_membranes(folder_.path(), kVolume, 2, 1, true); }

  Options options() const { return small_options(folder_.path()); }
  std::filesystem::path in_folder(const std::string& name) const { return folder_ / name; }

 private:
  test::TempFolder folder_;
};

/// What the engine does to samples.
DeviceBatch to_device(data::Batch& batch) {
  DeviceBatch on_device{{}, batch};
  for (std::size_t i = 0; i < batch.layout.size(); ++i) {
    std::vector<std::int64_t> shape{static_cast<std::int64_t>(batch.size())};
    shape.insert(shape.end(), batch.layout[i].shape.begin(), batch.layout[i].shape.end());
    const auto type = batch.layout[i].dtype == data::DType::kInt64 ? at::kLong : at::kByte;
    on_device.fields.push_back(at::from_blob(batch.fields[i].data(), shape, type));
  }
  return on_device;
}

std::vector<data::Draw> all_of(const data::Dataset& set) {
  std::vector<data::Draw> draws;
  for (std::uint64_t i = 0; i < set.size(); ++i) {
    draws.push_back({0, 0, i, i});
  }
  return draws;
}

TEST_F(SurfaceTaskTest, CutsThePatchToTheVolumes) {
  const SurfaceTask task(options(), 1);
  EXPECT_EQ(task.patch(), (models::Extent{6, 16, 16}));
  EXPECT_EQ(task.training_set().size(), 2U * 16U);
  EXPECT_TRUE(task.has_deep_supervision());
}

// 3 volumes with labels of 4 KiB each.
TEST_F(SurfaceTaskTest, ProcessesShareTheMemoryForVolumes) {
  Options limited = options();
  limited.volume_memory = "30KiB";
  const auto words = [&](int processes) {
    const test::LoggedLines log;
    const SurfaceTask task(limited, 1, processes);
    return log.text();
  };
  EXPECT_THAT(words(1), testing::HasSubstr("in memory"));
  EXPECT_THAT(words(2), testing::HasSubstr("read slice by slice with 15 KiB"));
}

TEST_F(SurfaceTaskTest, PatchesAreNormalisedAndGiveALossEach) {
  const SurfaceTask task(options(), 1);
  const auto model = task.make_model(3);
  data::Batch batch = data::load_batch(task.training_set(), {{1, 0, 0, 0}, {1, 0, 1, 1}, {1, 0, 2, 2}});
  DeviceBatch on_device = to_device(batch);
  model->prepare(on_device);
  const at::Tensor& image = on_device.fields[data::kImageField];
  EXPECT_EQ(image.sizes(), (std::vector<std::int64_t>{3, 1, 6, 16, 16}));
  EXPECT_LT(image.mean().abs().item<double>(), 0.5);
  EXPECT_NEAR(image.std().item<double>(), 1, 0.4);
  const at::Tensor losses = model->losses(on_device);
  EXPECT_EQ(losses.sizes(), (std::vector<std::int64_t>{3}));
  EXPECT_TRUE(losses.isfinite().all().item<bool>());
}

// Tiles overlap by their context, and a volume smaller than the patch has voxels outside: none may count twice.
TEST_F(SurfaceTaskTest, DiceOfTilesIsThatOfTheWholeVolume) {
  const SurfaceTask task(options(), 1);
  const auto model = task.make_model(3);
  model->network().eval();
  const at::NoGradGuard no_gradient;
  // A network that says "surface" of everything.
  for (const auto& parameter : model->network().named_parameters()) {
    if (parameter.key().starts_with("head")) {
      parameter.value().zero_();
    }
  }
  data::Batch batch = data::load_batch(task.evaluation_set(), all_of(task.evaluation_set()));
  DeviceBatch on_device = to_device(batch);
  model->prepare(on_device);
  const std::vector<Record> records = model->score(on_device);
  ASSERT_GT(records.size(), 1U);
  const test::Membranes truth = test::make_membranes(kVolume, 200);
  const auto surface = static_cast<double>(std::ranges::count(truth.labels, 1));
  const auto valid = surface + static_cast<double>(std::ranges::count(truth.labels, 0));
  EXPECT_NEAR(task.summarise(records).at("dice"), 2 * surface / (valid + surface), 1e-9);
}

TEST_F(SurfaceTaskTest, ShowsPatchesAlongThreeAxes) {
  const SurfaceTask task(options(), 1);
  const auto model = task.make_model(3);
  model->network().eval();
  data::Batch batch = data::load_batch(task.evaluation_set(), {{0, 0, 0, 0}});
  DeviceBatch on_device = to_device(batch);
  model->prepare(on_device);
  const std::vector<Example> examples = model->illustrate(on_device);
  ASSERT_EQ(examples.size(), 1U);
  EXPECT_GT(examples[0].png.size(), 1000U);
}

TEST_F(SurfaceTaskTest, MirrorImagesAreAveraged) {
  SurfaceModel model(options(), {8, 16, 16}, 3);
  model.network().eval();
  const at::NoGradGuard no_gradient;
  const at::Tensor volumes = at::randn({1, 8, 16, 16});
  const at::Tensor mirrored = volumes.flip({1, 3});
  EXPECT_TRUE(
      at::allclose(model.probabilities(mirrored, true), model.probabilities(volumes, true).flip({1, 3}), 1e-4, 1e-5));
  EXPECT_FALSE(
      at::allclose(model.probabilities(mirrored, false), model.probabilities(volumes, false).flip({1, 3}), 1e-4, 1e-5));
}

// Windows are read from the file, normalised as patches are, and a thin volume lies in the middle.
TEST_F(SurfaceTaskTest, PredictsAVolumeSmallerThanTheWindow) {
  SurfaceModel model(options(), {8, 16, 16}, 3);
  model.network().eval();
  const data::VolumePair pair{"200", in_folder("test_images/200.tif"), {}};
  const data::VolumeStore store(std::span(&pair, 1), {});
  const std::vector<std::uint8_t> levels = predict_levels(model, at::kCPU, store[0], {{8, 16, 16}, 0.5, 2}, false, {});
  ASSERT_EQ(levels.size(), static_cast<std::size_t>(kVolume.voxels()));
  EXPECT_GT(*std::ranges::max_element(levels), *std::ranges::min_element(levels));
}

TEST(SurfaceRecords, DiceOfSeveralVolumesIsTheirMean) {
  const std::vector<Record> records{{0, 5, 10, 6}, {0, 1, 0, 2}, {2, 0, 0, 0}};
  const auto metrics = summarise_counts(records, {"a", "b", "c"});
  EXPECT_DOUBLE_EQ(metrics.at("dice a"), 12.0 / 18);
  EXPECT_DOUBLE_EQ(metrics.at("dice c"), 1);
  EXPECT_DOUBLE_EQ(metrics.at("dice"), (12.0 / 18 + 1) / 2);
}

std::string usage_error(const Options& options) {
  try {
    options.validate();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(SurfaceOptions, RefusesWrongOnesByTheirFlag) {
  const Options good = small_options("somewhere");
  EXPECT_EQ(usage_error(good), "");
  Options options = good;
  for (const std::string wrong : {"64", "64,128", "64,128,x", "64,128,128,1", "64x128x128", "0,8,8"}) {
    options.patch_size = wrong;
    EXPECT_NE(usage_error(options).find("--patch-size"), std::string::npos) << wrong;
  }
  options = good;
  options.volume_memory = "much";
  EXPECT_NE(usage_error(options).find("--volume-memory"), std::string::npos);
  options = good;
  options.loss = {0, 0};
  EXPECT_NE(usage_error(options).find("--dice-weight"), std::string::npos);
  options = good;
  options.overlap = 1;
  EXPECT_NE(usage_error(options).find("--overlap"), std::string::npos);
}

TEST(SurfaceOptions, ThinPatchesAreTurnedInTheirPlaneOnly) {
  const Options options = small_options("somewhere");
  EXPECT_EQ(options.patches({16, 16, 16}).symmetries, data::Symmetries::kAll);
  EXPECT_EQ(options.patches({4, 16, 16}).symmetries, data::Symmetries::kInPlane);
}

TEST(SurfaceOptions, ElasticScaleIsThatOfThePatches) {
  Options options = small_options("somewhere");
  EXPECT_EQ(options.patches({16, 16, 16}).zoom.most, 0);
  options.elastic_scale = 0.3;
  EXPECT_EQ(options.patches({16, 16, 16}).zoom.most, 0.3);
  options.elastic_scale = 2;
  EXPECT_NE(usage_error(options).find("--elastic-scale"), std::string::npos);
}

/// Two sheets with a probability of 0.35, one speck with 0.9, and little elsewhere.
AnsweredVolume answered_volume() {
  AnsweredVolume volume{{}, {}, {4, 16, 16}};
  for (std::int64_t i = 0; i < volume.shape.voxels(); ++i) {
    const std::int64_t x = i % 16;
    const bool is_sheet = x == 3 || x == 10;
    volume.labels.push_back(is_sheet ? 1 : 0);
    volume.levels.push_back(is_sheet ? 90 : 20);
  }
  volume.levels[0] = 230;
  volume.levels[1] = 230;
  return volume;
}

TEST(SurfacePostprocessing, TuningFindsThresholdAndSize) {
  const AnsweredVolume volume = answered_volume();
  const Tuned tuned = tune_postprocessing(std::span(&volume, 1));
  EXPECT_EQ(tuned.dice_before, 0);
  EXPECT_NEAR(tuned.dice, 1, 1e-9);
  EXPECT_GT(tuned.how.threshold, 20 / 255.0);
  EXPECT_LE(tuned.how.threshold, 90 / 255.0);
  EXPECT_EQ(tuned.how.smallest_component, 4);
  std::vector<std::uint8_t> mask = volume.levels;
  to_mask(mask, volume.shape, tuned.how);
  EXPECT_EQ(mask, volume.labels);
}

TEST(SurfacePostprocessing, WhatIsIgnoredDoesNotCount) {
  AnsweredVolume volume = answered_volume();
  volume.labels[0] = 2;
  volume.labels[1] = 2;
  const Tuned tuned = tune_postprocessing(std::span(&volume, 1));
  EXPECT_NEAR(tuned.dice, 1, 1e-9);
  EXPECT_EQ(tuned.how.smallest_component, 0);
}

/// The words of the error, and whether an archive was left.
std::string packing_error(const std::filesystem::path& folder, const media::VolumeShape& shape, std::uint8_t value) {
  const std::vector<std::uint8_t> mask(static_cast<std::size_t>(shape.voxels()), value);
  media::write_tiff(prediction_of(folder, "200"), mask, shape);
  try {
    pack_submission(folder / "submission.zip", {{"200", folder / "test_images/200.tif", {}}}, folder);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST_F(SurfaceTaskTest, WhatDoesNotFitIsNotPacked) {
  const std::filesystem::path archive = in_folder("submission.zip");
  const std::vector<data::VolumePair> volumes{{"200", in_folder("test_images/200.tif"), {}}};
  EXPECT_THROW(pack_submission(archive, volumes, in_folder("")), DataError);
  EXPECT_NE(packing_error(in_folder(""), {6, 24, 27}, 0).find("200.tif"), std::string::npos);
  EXPECT_NE(packing_error(in_folder(""), kVolume, 2).find("0 and 1"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(archive));
  EXPECT_EQ(packing_error(in_folder(""), kVolume, 1), "");
  EXPECT_TRUE(std::filesystem::exists(archive));
}

}  // namespace
}  // namespace lockstep::tasks::surface::surface_task_test
