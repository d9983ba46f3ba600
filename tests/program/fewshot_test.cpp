// Runs the built program with small pictures of coloured shapes, from training to predictions.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "lockstep/media/encode.h"
#include "tests/program/small_run.h"
#include "tests/support/shapes.h"

namespace lockstep::program {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// A dataset of six classes, two of which training does not show.
class FewShotProgram : public testing::Test {
 protected:
  FewShotProgram() { test::write_shapes(dataset(), 24, 12); }

  path dataset() const { return folder_ / "data"; }
  path run_folder() const { return folder_ / "run"; }
  path in_folder(const std::string& name) const { return folder_ / name; }

  /// The arguments that train for two epochs of four episodes each, two a step.
  Words training(const Words& more = {}, const path& into = "run", const path& data = "data") const {
    return Words{"train",
                 "fewshot",
                 "--dataset_path",
                 folder_ / data,
                 "--checkpoint-dir",
                 folder_ / into,
                 "--threads-per-rank",
                 "1",
                 "--num-workers",
                 "1",
                 "--novel-classes",
                 "pink,red",
                 "--n_way",
                 "2",
                 "--k_shot",
                 "2",
                 "--num_episodes",
                 "8",
                 "--episodes-per-epoch",
                 "4",
                 "--evaluation-episodes",
                 "3",
                 "--img-size",
                 "64",
                 "--support-size",
                 "32",
                 "--backbone",
                 "edgenext_xx_small",
                 "--width",
                 "16",
                 "--max-proposals",
                 "12",
                 "--precision",
                 "fp32",
                 "--global-batch",
                 "2",
                 "--evaluate-every",
                 "2"} +
           more;
  }

  Words training_on(const std::string& devices, const Words& more = {}, const path& into = "run") const {
    return training(Words{"--devices", devices} + more, into);
  }

  std::vector<double> losses(const path& run) const {
    std::vector<double> losses;
    for (const nlohmann::json& step : events(folder_ / run, "step")) {
      losses.push_back(step.at("loss").is_number() ? step.at("loss").get<double>() : NAN);
    }
    return losses;
  }

  /// A folder of examples of two classes and one of pictures to be searched.
  void write_examples_and_queries() const {
    const std::vector<std::string> names{"red", "pink"};
    for (std::size_t i = 0; i < names.size(); ++i) {
      make_directories(in_folder("support") / names[i]);
      media::Image plain(30, 40, 3);
      std::fill(plain.pixels.begin(), plain.pixels.end(), static_cast<std::uint8_t>(60 + 100 * i));
      write_file_atomically(in_folder("support") / names[i] / "one.png", media::encode_png(plain));
    }
    make_directories(in_folder("query"));
    for (std::size_t number = 0; number < 3; ++number) {
      write_file_atomically(in_folder("query") / ("picture-" + std::to_string(number) + ".png"),
                            media::encode_png(test::make_shapes(50 + number).picture));
    }
  }

 private:
  test::TempFolder folder_;
};

TEST_F(FewShotProgram, TrainsEvaluatesAndPredicts) {
  const ProcessResult trained = run(training_on("cpu:2"));
  ASSERT_EQ(trained.exit_code, kFinished) << trained.errors;
  EXPECT_THAT(trained.errors, AllOf(HasSubstr("episodes/min"), HasSubstr("epoch 2/2"), HasSubstr("novel")));
  EXPECT_EQ(losses("run").size(), 4U);
  EXPECT_EQ(events(run_folder(), "epoch").at(0).at("speed").at("unit"), "episodes/min");
  const nlohmann::json measured = events(run_folder(), "evaluate").at(0).at("metrics");
  EXPECT_TRUE(measured.contains("ap50_ci"));
  EXPECT_THAT(read_text(run_folder() / "report.html"), HasSubstr("episodes/min"));

  const Words machine{"--checkpoint-dir",   run_folder(), "--devices",   "cpu:2",
                      "--threads-per-rank", "1",          "--precision", "fp32"};
  const ProcessResult evaluated =
      run(Words{"evaluate", "fewshot", "--baselines", "--output", in_folder("scores.json")} + machine);
  ASSERT_EQ(evaluated.exit_code, kFinished) << evaluated.errors;
  EXPECT_THAT(evaluated.output, AllOf(HasSubstr("untrained"), HasSubstr("random features"), HasSubstr("ap50 pink")));
  const nlohmann::json scores = nlohmann::json::parse(read_text(in_folder("scores.json")));
  EXPECT_EQ(scores.at("network").at("ap50"), measured.at("ap50"));

  write_examples_and_queries();
  const ProcessResult predicted = run(Words{"predict", "fewshot", "--support", in_folder("support"), "--query",
                                            in_folder("query"), "--threshold", "0", "--output", in_folder("found")} +
                                      machine);
  ASSERT_EQ(predicted.exit_code, kFinished) << predicted.errors;
  const nlohmann::json results = nlohmann::json::parse(read_text(in_folder("found") / "predictions.json"));
  ASSERT_FALSE(results.empty());
  for (const nlohmann::json& one : results) {
    EXPECT_THAT(one.at("image_id").get<int>(), AllOf(testing::Ge(1), testing::Le(3)));
    EXPECT_THAT(one.at("category_id").get<int>(), AllOf(testing::Ge(1), testing::Le(2)));
    EXPECT_LE(one.at("bbox").at(0).get<double>() + one.at("bbox").at(2).get<double>(), 120 + 1e-6);
  }
  const nlohmann::json names = nlohmann::json::parse(read_text(in_folder("found") / "pictures.json"));
  EXPECT_EQ(names.at("images").at(2).at("file_name"), "picture-2.png");
  EXPECT_EQ(names.at("categories").at(0).at("name"), "pink");
  EXPECT_TRUE(std::filesystem::exists(in_folder("found") / "drawn" / "picture-1.jpg"));
  EXPECT_TRUE(std::filesystem::exists(in_folder("found") / "contact_sheet.png"));
}

TEST_F(FewShotProgram, ResumesInTheMiddleOfAnEpochOfEpisodesToTheSameBits) {
  ASSERT_EQ(run(training_on("cpu:2")).exit_code, kFinished);
  const std::string whole = read_text(run_folder() / "model.safetensors");
  const std::vector<double> at_once = losses("run");
  for (const std::string cut : {"1", "3"}) {
    std::filesystem::remove_all(run_folder());
    ASSERT_EQ(run(training_on("cpu:2", {"--max-steps", cut})).exit_code, kFinished);
    const ProcessResult resumed = run(training_on("cpu:2"));
    ASSERT_EQ(resumed.exit_code, kFinished) << resumed.errors;
    EXPECT_THAT(resumed.errors, HasSubstr("resuming after step " + cut));
    EXPECT_EQ(losses("run"), at_once);
    EXPECT_TRUE(read_text(run_folder() / "model.safetensors") == whole) << "cut after step " << cut;
  }
}

TEST_F(FewShotProgram, SeesTheSameEpisodesOnAnyNumberOfRanks) {
  const auto train_on = [&](const std::string& devices, const path& into) {
    const ProcessResult result = run(training_on(devices, {"--global-batch", "4"}, into));
    EXPECT_EQ(result.exit_code, kFinished) << result.errors;
    return losses(into);
  };
  const std::vector<double> one = train_on("cpu", "one");
  ASSERT_EQ(one.size(), 2U);
  const std::vector<path> others{"two", "three"};
  for (std::size_t i = 0; i < others.size(); ++i) {
    const std::vector<double> several = train_on("cpu:" + std::to_string(i + 2), others[i]);
    ASSERT_EQ(several.size(), one.size());
    EXPECT_NEAR(several[0], one[0], 1e-5 * one[0]);
    EXPECT_NEAR(several[1], one[1], 2e-2 * one[1]);  // proposals near a threshold may come and go by rounding
  }
}

TEST_F(FewShotProgram, BearsThePlantedFaults) {
  const ProcessResult result = run(training_on("cpu:2", {"--inject", "nan-loss@2,rank=0;throw@3,rank=1"}));
  ASSERT_EQ(result.exit_code, kFinished) << result.errors;
  EXPECT_THAT(result.errors, AllOf(HasSubstr("step 2 skipped"), HasSubstr("step 3 dropped"), HasSubstr("episode ")));
  EXPECT_EQ(losses("run").size(), 4U);
}

TEST_F(FewShotProgram, TrainsOnVocAnnotationsWithTheDefaultWays) {
  test::write_shapes_as_voc(in_folder("voc"), 24, 16);
  const ProcessResult result = run(training({"--devices", "cpu", "--n-way", "5", "--max-steps", "1"}, "of_voc", "voc"));
  ASSERT_EQ(result.exit_code, kFinished) << result.errors;
  EXPECT_THAT(result.errors, AllOf(HasSubstr("there are 4 base classes"), HasSubstr("there are 2 novel classes")));
}

TEST_F(FewShotProgram, HasAsManyEpochsAsItsEpisodesTake) {
  const ProcessResult uneven = run(training_on("cpu", {"--num-episodes", "9", "--max-steps", "1"}, "uneven"));
  ASSERT_EQ(uneven.exit_code, kFinished) << uneven.errors;
  EXPECT_THAT(uneven.errors, AllOf(HasSubstr("3 epochs of 4 episodes"), HasSubstr("epoch 1/3")));
  const ProcessResult given = run(training_on("cpu", {"--epochs", "5", "--max-steps", "1"}, "given"));
  ASSERT_EQ(given.exit_code, kFinished) << given.errors;
  EXPECT_THAT(given.errors, HasSubstr("epoch 1/5"));
}

TEST_F(FewShotProgram, WhatIsWrongIsNamed) {
  expect_error(run(training({"--novel-classes", "pnk"})), kUsage, AllOf(HasSubstr("pnk"), HasSubstr("pink")));
  expect_error(run(training({"--k-shot", "40"})), kData, HasSubstr("--k-shot"));
  expect_error(run(training({"--img-size", "100"})), kUsage, HasSubstr("--img-size"));
  expect_error(run({"predict", "fewshot", "--support", in_folder("none")}), kUsage, HasSubstr("--query"));
  expect_error(run({"evaluate", "fewshot", "--checkpoint-dir", in_folder("none")}), kData,
               HasSubstr("lockstep train fewshot"));
}

}  // namespace
}  // namespace lockstep::program
