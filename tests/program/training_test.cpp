// Runs the built program to train, to predict and to evaluate.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lockstep/media/decode.h"
#include "tests/program/small_run.h"

namespace lockstep::program::training_test {
namespace {

using std::filesystem::exists;
using testing::AllOf;
using testing::HasSubstr;

class Training : public SmallRun {};

nlohmann::json read_json(const path& file) { return nlohmann::json::parse(read_text(file)); }

TEST_F(Training, TrainsPredictsAndEvaluates) {
  ASSERT_EQ(run(training()).exit_code, kFinished);

  EXPECT_EQ(events(run_folder(), "start").at(0).at("world_size"), 2);
  EXPECT_EQ(events(run_folder(), "start").at(0).at("global_batch"), 2);
  EXPECT_EQ(events(run_folder(), "start").at(0).at("recipe").at("img_size"), 32);
  const std::vector<nlohmann::json> steps = events(run_folder(), "step");
  ASSERT_EQ(steps.size(), 8U);
  for (const char* field : {"time", "step", "epoch", "loss", "lr", "samples", "seconds"}) {
    EXPECT_TRUE(steps[0].contains(field)) << field;
  }
  EXPECT_EQ(events(run_folder(), "evaluate").at(0).at("split"), "test");
  EXPECT_EQ(events(run_folder(), "checkpoint").back().at("path"), "checkpoints/step-00000008");
  EXPECT_EQ(events(run_folder(), "end").at(0).at("reason"), "finished");
  EXPECT_EQ(read_text(run_folder() / "checkpoints/last"), "step-00000008\n");
  EXPECT_EQ(read_text(run_folder() / "checkpoints/best"), "step-00000008\n");
  for (const char* file : {"recipe.toml", "report.html", "checkpoints/step-00000008/model.safetensors",
                           "checkpoints/step-00000008/optimizer.safetensors", "checkpoints/step-00000008/state.json"}) {
    EXPECT_TRUE(exists(run_folder() / file)) << file;
  }

  const ProcessResult predicted =
      run({"predict", "camouflage", "--checkpoint-dir", run_folder(), "--input", dataset() / "test/images"});
  ASSERT_EQ(predicted.exit_code, kFinished) << predicted.errors;
  const path predictions = run_folder() / "predictions";
  EXPECT_TRUE(exists(predictions / "contact_sheet.png"));
  for (const auto& truth : std::filesystem::directory_iterator(dataset() / "test/masks")) {
    const std::string name = truth.path().stem();
    const auto mask = read_file(predictions / "masks" / (name + ".png"));
    EXPECT_EQ(media::read_image_size(mask, name), media::read_image_size(read_file(truth.path()), name));
    EXPECT_TRUE(exists(predictions / "overlays" / (name + ".jpg")));
  }

  const path of_run = in_folder("of_run.json");
  const path of_masks = in_folder("of_masks.json");
  ASSERT_EQ(run({"evaluate", "camouflage", "--checkpoint-dir", run_folder(), "--output", of_run}).exit_code, kFinished);
  ASSERT_EQ(run({"evaluate", "camouflage", "--predictions", predictions / "masks", "--masks", dataset() / "test/masks",
                 "--output", of_masks})
                .exit_code,
            kFinished);
  const nlohmann::json of_training = read_json(run_folder() / "metrics.json").at("metrics");
  EXPECT_GE(of_training.size(), 5U);
  for (const auto& [metric, value] : of_training.items()) {
    EXPECT_NEAR(read_json(of_run).at("network").at(metric), value, 1e-6) << metric;
    EXPECT_NEAR(read_json(of_masks).at("predictions").at(metric), value, 1e-3) << metric;
  }
}

TEST_F(Training, ItsWeightsOpenInPython) {
  if (!test::python_has({"safetensors", "torch"})) {
    GTEST_SKIP() << "no Python with safetensors";
  }
  ASSERT_EQ(run(training({"--max-steps", "1"})).exit_code, kFinished);
  const ProcessResult result = test::run_process(
      {LOCKSTEP_TEST_PYTHON, "-c",
       "import sys, safetensors.torch as s; print('backbone.stem.0.weight' in s.load_file(sys.argv[1]))",
       run_folder() / "model.safetensors"});
  EXPECT_EQ(result.output, "True\n") << result.errors;
}

TEST_F(Training, DivergenceIsAFailureInTraining) {
  expect_error(run(training({"--epochs", "10", "--evaluate-every", "10", "--lr", "1e30", "--clip-norm", "0"})),
               kTraining, HasSubstr("lower --lr"));
  EXPECT_THAT(events(run_folder(), "end").back().at("reason").get<std::string>(), testing::StartsWith("failed"));
}

TEST_F(Training, FlagsOfOldCommandLinesAreUnderstood) {
  const ProcessResult result =
      run({"train", "camouflage", "--dataset_path", dataset(), "--checkpoint_dir", run_folder(), "--device", "cpu",
           "--use-ddp", "--use-cod-specialized", "--img_size=32", "--backbone", "edgenext_xx_small", "--max-steps", "1",
           "--batch-size", "8", "--batch_size", "2"});
  ASSERT_EQ(result.exit_code, kFinished) << result.errors;
  EXPECT_THAT(result.errors,
              AllOf(HasSubstr("--batch-size given twice: 2 is taken"), HasSubstr("--use-ddp is always on")));
  EXPECT_EQ(events(run_folder(), "start").at(0).at("global_batch"), 2);
}

TEST_F(Training, DevicesThatAreNotUnderstoodAreNamed) {
  expect_error(run(training({"--devices", "tpu"})), kUsage, HasSubstr("--devices 'tpu'"));
}

TEST_F(Training, WithoutAGpuCudaIsMissingOnThisMachine) {
  if (exists("/dev/nvidiactl")) {
    GTEST_SKIP() << "this machine has a GPU";
  }
  expect_error(run(training({"--devices", "cuda"})), kMachine, HasSubstr("--devices cuda"));
}

}  // namespace
}  // namespace lockstep::program::training_test
