// Runs the built program with small volumes, all the way to a submission.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lockstep/media/tiff.h"
#include "tests/program/small_run.h"
#include "tests/support/membranes.h"

namespace lockstep::program::surface_test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr media::VolumeShape kShape{7, 33, 29};

/// A dataset of two volumes to learn from and one test volume, all of them thinner than the patch.
class SurfaceProgram : public testing::Test {
 protected:
  SurfaceProgram() { test::write_membranes(dataset(), kShape, 2, 1, true); }

  path dataset() const { return folder_ / "data"; }
  path run_folder() const { return folder_ / "run"; }
  path in_folder(const std::string& name) const { return folder_ / name; }

  /// The arguments that train on two ranks, for two steps an epoch.
  Words with(const std::string& verb, const Words& more = {}) const {
    return Words{verb,
                 "surface",
                 "--dataset-path",
                 dataset(),
                 "--checkpoint-dir",
                 run_folder(),
                 "--devices",
                 "cpu:2",
                 "--threads-per-rank",
                 "1",
                 "--num-workers",
                 "1",
                 "--patch-size",
                 "16,16,16",
                 "--width",
                 "4",
                 "--encoder-blocks",
                 "1",
                 "--batch-size",
                 "2",
                 "--samples-per-epoch",
                 "8",
                 "--accumulation-steps",
                 "1",
                 "--epochs",
                 "4",
                 "--evaluate-every",
                 "2"} +
           more;
  }

  media::TiffVolume mask(const path& folder) const { return media::TiffVolume(folder / "200.tif"); }

 private:
  test::TempFolder folder_;
};

TEST_F(SurfaceProgram, TrainsPredictsAndEvaluates) {
  const ProcessResult trained = run(with("train"));
  ASSERT_EQ(trained.exit_code, kFinished) << trained.errors;
  EXPECT_THAT(trained.errors,
              AllOf(HasSubstr("7 × 16 × 16"), HasSubstr("for backward"), HasSubstr("tuning threshold")));
  EXPECT_EQ(events(run_folder(), "step").size(), 8U);
  for (const nlohmann::json& step : events(run_folder(), "step")) {
    EXPECT_TRUE(step.at("loss").is_number());
  }
  const std::vector<nlohmann::json> evaluations = events(run_folder(), "evaluate");
  ASSERT_EQ(evaluations.size(), 2U);
  EXPECT_GT(evaluations[1].at("metrics").at("dice").get<double>(), 0);
  const nlohmann::json tuned = nlohmann::json::parse(read_text(run_folder() / "postprocessing.json"));
  EXPECT_GE(tuned.at("dice").get<double>(), tuned.at("dice_before").get<double>());

  const Words machine{"--checkpoint-dir", run_folder(), "--devices", "cpu:2", "--threads-per-rank", "1"};
  const ProcessResult predicted =
      run(Words{"predict", "surface", "--input", dataset(), "--output", in_folder("masks")} + machine);
  ASSERT_EQ(predicted.exit_code, kFinished) << predicted.errors;
  EXPECT_EQ(mask(in_folder("masks")).shape(), kShape);
  EXPECT_EQ(mask(in_folder("masks")).type(), media::VoxelType::kUInt8);

  const ProcessResult evaluated =
      run(Words{"evaluate", "surface", "--output", in_folder("scores.json"), "--no-topology"} + machine);
  ASSERT_EQ(evaluated.exit_code, kFinished) << evaluated.errors;
  EXPECT_THAT(evaluated.output, AllOf(HasSubstr("dice"), HasSubstr("voi_score"), HasSubstr("200")));
  const ProcessResult of_masks = run({"evaluate", "surface", "--predictions", in_folder("masks"), "--labels",
                                      dataset() / "test_labels", "--no-topology"});
  ASSERT_EQ(of_masks.exit_code, kFinished) << of_masks.errors;
  EXPECT_EQ(of_masks.output, evaluated.output);
  expect_error(run({"evaluate", "surface", "--predictions", in_folder("masks"), "--labels", dataset() / "test_labels",
                    "--test-time-flip"}),
               kUsage, AllOf(HasSubstr("--test-time-flip"), HasSubstr("--predictions")));

  nlohmann::json stale = tuned;
  stale["weights"] = "step-00000001/model.safetensors";
  write_file_atomically(run_folder() / "postprocessing.json", stale.dump());
  const ProcessResult again =
      run(Words{"predict", "surface", "--input", dataset(), "--output", in_folder("masks")} + machine);
  ASSERT_EQ(again.exit_code, kFinished) << again.errors;
  EXPECT_THAT(again.errors, AllOf(HasSubstr("step-00000001"), HasSubstr("threshold 0.5")));
}

// Where what is asked for cannot be written, nothing is trained or predicted first.
TEST_F(SurfaceProgram, OutputThatCannotBeWrittenIsNamedAtTheStart) {
  const path nowhere = in_folder("nowhere") / "file";
  expect_error(run(with("run", {"--output", nowhere})), kMachine, HasSubstr("nowhere"));
  expect_error(run(with("run", {"--output", dataset()})), kMachine, HasSubstr("is a folder"));
  EXPECT_FALSE(std::filesystem::exists(run_folder()));
  expect_error(run({"evaluate", "surface", "--predictions", dataset() / "test_labels", "--labels",
                    dataset() / "test_labels", "--output", nowhere}),
               kMachine, HasSubstr("nowhere"));
  std::filesystem::remove_all(dataset() / "test_images");
  expect_error(run(with("run", {"--output", in_folder("submission.zip")})), kData,
               AllOf(HasSubstr("test_images"), HasSubstr("nothing to predict")));
  EXPECT_FALSE(std::filesystem::exists(run_folder()));
}

TEST_F(SurfaceProgram, ResumesToTheSameBits) {
  ASSERT_EQ(run(with("train", {"--tuning-volumes", "0", "--precision", "fp32"})).exit_code, kFinished);
  const std::string whole = read_text(run_folder() / "model.safetensors");
  std::filesystem::remove_all(run_folder());
  ASSERT_EQ(run(with("train", {"--tuning-volumes", "0", "--precision", "fp32", "--max-steps", "3"})).exit_code,
            kFinished);
  const ProcessResult resumed = run(with("train", {"--tuning-volumes", "0", "--precision", "fp32"}));
  ASSERT_EQ(resumed.exit_code, kFinished) << resumed.errors;
  EXPECT_TRUE(read_text(run_folder() / "model.safetensors") == whole);
}

TEST_F(SurfaceProgram, RunPacksASubmissionAndSkipsTrainingTheNextTime) {
  const path archive = in_folder("submission.zip");
  const Words words = with("run", {"--output", archive, "--competition", "some-competition", "--time-budget", "10h"});
  const ProcessResult first = run(words);
  ASSERT_EQ(first.exit_code, kFinished) << first.errors;
  EXPECT_THAT(first.output, HasSubstr("kaggle competitions submit -c some-competition -f " + archive.string()));
  EXPECT_THAT(first.errors, HasSubstr("kept for the prediction of 1 volume"));
  const std::string packed = read_text(archive);
  EXPECT_EQ(packed.substr(0, 2), "PK");
  EXPECT_THAT(packed, HasSubstr("200.tif"));
  const std::size_t steps = events(run_folder(), "step").size();

  std::filesystem::remove(archive);
  std::filesystem::remove_all(dataset() / "train_images");  // nothing of training is wanted any more
  const ProcessResult second = run(words);
  ASSERT_EQ(second.exit_code, kFinished) << second.errors;
  EXPECT_THAT(second.errors, AllOf(HasSubstr("is finished"), Not(HasSubstr("other options"))));
  const ProcessResult wider = run(words + Words{"--width", "6"});
  ASSERT_EQ(wider.exit_code, kFinished) << wider.errors;
  EXPECT_THAT(wider.errors, AllOf(HasSubstr("other options"), HasSubstr("--width was 4, is 6")));
  EXPECT_EQ(events(run_folder(), "step").size(), steps);
  EXPECT_TRUE(read_text(archive) == packed);
}

TEST_F(SurfaceProgram, PredictingADeeperVolumeTakesMemoryForItsMaskAlone) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "memory that was freed is held back";
#endif
  test::write_membranes(in_folder("wide"), {32, 64, 64}, 2, 1, true);
  const ProcessResult trained =
      run(with("train", {"--dataset-path", in_folder("wide"), "--patch-size", "32,64,64", "--tuning-volumes", "0"}));
  ASSERT_EQ(trained.exit_code, kFinished) << trained.errors;
  const auto peak = [&](const media::VolumeShape& shape) {
    const path volume = in_folder("volume.tif");
    std::vector<std::uint8_t> voxels(static_cast<std::size_t>(shape.voxels()));
    for (std::size_t i = 0; i < voxels.size(); ++i) {
      voxels[i] = static_cast<std::uint8_t>((i * 2654435761U) >> 24);
    }
    media::write_tiff(volume, voxels, shape, media::TiffCompression::kNone);
    const ProcessResult predicted =
        run({"predict", "surface", "--checkpoint-dir", run_folder(), "--input", volume, "--output", in_folder("masks"),
             "--devices", "cpu", "--overlap", "0", "--threshold", "0.5", "--smallest-component", "100"});
    EXPECT_EQ(predicted.exit_code, kFinished) << predicted.errors;
    return predicted.peak_kib;
  };
  const media::VolumeShape small{32, 256, 256};
  const media::VolumeShape large{256, 256, 256};
  const long mask_kib = (large.voxels() - small.voxels()) / 1024;  // of what the large one has more
  EXPECT_LT(peak(large) - peak(small), 2 * mask_kib);
}

TEST_F(SurfaceProgram, DiagnosisNamesWhatHoldsTrainingBack) {
  const path figures = in_folder("figures.json");
  const ProcessResult result = run(with("diagnose", {"--seconds", "10", "--output", figures}));
  ASSERT_EQ(result.exit_code, kFinished) << result.errors;
  EXPECT_THAT(result.output, AllOf(HasSubstr("loading alone"), HasSubstr("cut"), HasSubstr("a step of the whole loop"),
                                   HasSubstr("rank")));
  EXPECT_THAT(result.output, testing::Not(HasSubstr("--img-size")));
  EXPECT_TRUE(nlohmann::json::parse(read_text(figures)).is_object());
  EXPECT_FALSE(std::filesystem::exists(run_folder()));
}

TEST_F(SurfaceProgram, WhatIsWrongWithVolumesIsNamed) {
  std::filesystem::remove(dataset() / "train_labels" / "101.tif");
  expect_error(run(with("train")), kData, HasSubstr("101"));
  expect_error(run(with("train", {"--patch-size", "16"})), kUsage, HasSubstr("--patch-size"));
  expect_error(run({"predict", "surface", "--checkpoint-dir", in_folder("none"), "--input", dataset()}), kData,
               HasSubstr("lockstep train surface"));
  expect_error(run({"run", "surface", "--dataset-path", dataset(), "--ranks", "process"}), kUsage,
               HasSubstr("one process"));
}

}  // namespace
}  // namespace lockstep::program::surface_test
