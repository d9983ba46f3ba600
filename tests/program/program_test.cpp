// Runs the built program as a user does. Each training run is one of seconds: a few photographs of 50 pixels, shown to
// the smallest network at 32 pixels.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "lockstep/base/clock.h"
#include "lockstep/base/files.h"
#include "lockstep/media/decode.h"
#include "lockstep/media/encode.h"
#include "tests/support/photographs.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::program {
namespace {

using std::filesystem::exists;
using std::filesystem::path;
using test::ProcessResult;
using test::TempFolder;
using testing::AllOf;
using testing::HasSubstr;
using Words = std::vector<std::string>;

enum Exit { kFinished = 0, kUsage = 2, kData = 3, kMachine = 4, kTraining = 5, kStopped = 75 };

Words command(const Words& words) {
  Words all{LOCKSTEP_TEST_PROGRAM};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

ProcessResult run(const Words& words) { return test::run_process(command(words)); }

/// What the program says of an error: exactly one line, the last on stderr.
std::string error_line(const ProcessResult& result) {
  std::istringstream lines(result.errors);
  std::string last;
  int errors = 0;
  for (std::string line; std::getline(lines, line);) {
    errors += line.starts_with("lockstep: error: ") ? 1 : 0;
    last = line;
  }
  EXPECT_EQ(errors, 1) << result.errors;
  EXPECT_THAT(last, testing::StartsWith("lockstep: error: "));
  return last;
}

void expect_error(const ProcessResult& result, Exit code, const testing::Matcher<std::string>& message) {
  EXPECT_EQ(result.exit_code, code) << result.errors;
  EXPECT_THAT(error_line(result), message);
}

std::vector<nlohmann::json> events(const path& run_folder, const std::string& name) {
  std::vector<nlohmann::json> found;
  if (!exists(run_folder / "run.jsonl")) {
    return found;
  }
  std::istringstream log(read_text(run_folder / "run.jsonl"));
  for (std::string line; std::getline(log, line);) {
    const nlohmann::json record = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!record.is_discarded() && record.at("event") == name) {
      found.push_back(record);
    }
  }
  return found;
}

nlohmann::json read_json(const path& file) { return nlohmann::json::parse(read_text(file)); }

/// A PNG whose header claims this size.
std::vector<std::byte> png_that_claims(std::uint32_t width, std::uint32_t height) {
  std::vector<std::byte> png = media::encode_png(test::make_photograph(0, {8, 8}));
  const auto put = [&](std::size_t offset, std::uint32_t number) {
    for (std::size_t i = 0; i < 4; ++i) {
      png[offset + i] = static_cast<std::byte>(number >> (24 - 8 * i));
    }
  };
  // The header's chunk: length at 8, "IHDR" at 12, width at 16, height at 20, up to the check sum at 29.
  put(16, width);
  put(20, height);
  put(29, static_cast<std::uint32_t>(::crc32(0, reinterpret_cast<const Bytef*>(png.data()) + 12, 17)));
  return png;
}

std::vector<std::byte> first_half(std::vector<std::byte> bytes) {
  bytes.resize(bytes.size() / 2);
  return bytes;
}

std::vector<std::byte> garbled(std::vector<std::byte> bytes) {
  for (std::size_t i = 60; i < bytes.size(); i += 7) {
    bytes[i] ^= std::byte{0x5a};
  }
  return bytes;
}

std::vector<std::byte> words_as_bytes(std::string_view words) {
  const auto bytes = std::as_bytes(std::span(words));
  return {bytes.begin(), bytes.end()};
}

/// A dataset of eight photographs to train on (photo-00.jpg, photo-01.png, …) and four to evaluate on.
class Program : public testing::Test {
 protected:
  Program() { test::write_dataset(dataset(), 8, 4); }

  path dataset() const { return folder_ / "data"; }
  path run_folder() const { return folder_ / "run"; }
  path in_folder(const std::string& name) const { return folder_ / name; }

  /// A command that trains for four steps an epoch.
  Words training(const Words& more = {}, const std::string& into = "run") const {
    Words words{"train",
                "camouflage",
                "--dataset-path",
                dataset(),
                "--checkpoint-dir",
                folder_ / into,
                "--devices",
                "cpu:2",
                "--num-workers",
                "1",
                "--backbone",
                "edgenext_xx_small",
                "--img-size",
                "32",
                "--decoder-width",
                "16",
                "--dropout",
                "0.1",
                "--drop-path",
                "0.1",
                "--epochs",
                "2",
                "--batch-size",
                "1",
                "--threads-per-rank",
                "1",
                "--evaluate-every",
                "2"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

 private:
  TempFolder folder_;
};

TEST_F(Program, TrainsPredictsAndEvaluates) {
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

TEST_F(Program, ItsWeightsOpenInPython) {
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

TEST_F(Program, AFinishedRunTakesNoFurtherStep) {
  ASSERT_EQ(run(training()).exit_code, kFinished);
  EXPECT_EQ(run(training()).exit_code, kFinished);
  EXPECT_EQ(events(run_folder(), "step").size(), 8U);
}

TEST_F(Program, ASignalStopsItAndTheSameCommandContinuesToTheSameBits) {
  const Words many{"--epochs", "20", "--evaluate-every", "20"};
  ASSERT_EQ(run(training(many, "reference")).exit_code, kFinished);

  test::RunningProcess running(command(training(many)));
  const Stopwatch waited;
  while (events(run_folder(), "step").size() < 2 && waited.seconds() < 60) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  running.send_signal(SIGTERM);
  EXPECT_EQ(running.wait().exit_code, kStopped);
  const std::size_t done = events(run_folder(), "step").size();
  ASSERT_LT(done, 80U);
  EXPECT_THAT(events(run_folder(), "end").back().at("reason").get<std::string>(), HasSubstr("stopped"));

  ASSERT_EQ(run(training(many)).exit_code, kFinished);
  EXPECT_EQ(events(run_folder(), "step").size(), 80U);
  for (const char* file : {"model.safetensors", "checkpoints/step-00000080/model.safetensors",
                           "checkpoints/step-00000080/optimizer.safetensors"}) {
    EXPECT_EQ(read_file(run_folder() / file), read_file(in_folder("reference") / file)) << file;
  }
}

TEST_F(Program, DivergenceIsAFailureInTraining) {
  expect_error(run(training({"--epochs", "10", "--evaluate-every", "10", "--lr", "1e30", "--clip-norm", "0"})),
               kTraining, HasSubstr("lower --lr"));
  EXPECT_THAT(events(run_folder(), "end").back().at("reason").get<std::string>(), testing::StartsWith("failed"));
}

TEST_F(Program, BrokenImagesAmongGoodOnesAreNamed) {
  const std::vector<std::byte> png = read_file(dataset() / "train/images/photo-01.png");
  const std::vector<std::byte> jpeg = read_file(dataset() / "train/images/photo-02.jpg");
  struct Broken {
    std::string file;
    std::vector<std::byte> content;
  };
  const std::vector<Broken> all = {
      {"train/images/photo-01.png", {}},
      {"train/images/photo-01.png", first_half(png)},
      {"train/images/photo-02.jpg", first_half(jpeg)},
      {"train/images/photo-01.png", garbled(png)},
      {"train/images/photo-02.jpg", words_as_bytes("not a photograph, but a text")},
      {"train/images/photo-01.png", png_that_claims(60000, 60000)},
      {"train/masks/photo-01.png", {}},
      {"test/images/photo-09.png", garbled(png)},
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    SCOPED_TRACE("case " + std::to_string(i));
    const std::vector<std::byte> good = read_file(dataset() / all[i].file);
    write_file_atomically(dataset() / all[i].file, all[i].content);
    expect_error(run(training({}, "run-" + std::to_string(i))), kData, HasSubstr(all[i].file));
    write_file_atomically(dataset() / all[i].file, good);
  }
}

TEST_F(Program, AnImageIsWhatItsBytesSayWhateverItsName) {
  write_file_atomically(dataset() / "train/images/photo-02.jpg", media::encode_png(test::make_photograph(2, {58, 54})));
  EXPECT_EQ(run(training({"--max-steps", "4"})).exit_code, kFinished);
}

TEST_F(Program, ABrokenImageToPredictIsNamed) {
  ASSERT_EQ(run(training({"--max-steps", "1"})).exit_code, kFinished);
  const path broken = dataset() / "test/images/photo-09.png";
  write_file_atomically(broken, png_that_claims(60000, 60000));
  expect_error(run({"predict", "camouflage", "--checkpoint-dir", run_folder(), "--input", dataset() / "test/images"}),
               kData, HasSubstr(broken.string()));
}

TEST_F(Program, AMaskThatDoesNotFitOrIsMissingIsNamed) {
  const path mask = dataset() / "train/masks/photo-03.png";
  write_file_atomically(mask, media::encode_png(test::make_mask(3, {20, 30})));
  expect_error(run(training()), kData, AllOf(HasSubstr(mask.string()), HasSubstr("20x30")));
  std::filesystem::remove(mask);
  expect_error(run(training()), kData, AllOf(HasSubstr("without a mask"), HasSubstr("photo-03")));
}

TEST_F(Program, AMissingDatasetIsNamed) {
  expect_error(run({"train", "camouflage", "--dataset-path", in_folder("nowhere")}), kData,
               HasSubstr(in_folder("nowhere").string()));
}

TEST_F(Program, AnotherRecipeInARunFolderIsRefusedUnlessFresh) {
  ASSERT_EQ(run(training({"--max-steps", "1"})).exit_code, kFinished);
  const Words other{"--max-steps", "1", "--lr", "0.001", "--seed", "5"};
  expect_error(run(training(other)), kUsage,
               AllOf(HasSubstr("--lr was 4e-04, is 0.001"), HasSubstr("--seed was 0, is 5"), HasSubstr("--fresh")));

  Words fresh = other;
  fresh.push_back("--fresh");
  EXPECT_EQ(run(training(fresh)).exit_code, kFinished);
  EXPECT_EQ(events(run_folder(), "start").at(0).at("recipe").at("seed"), 5);
  EXPECT_EQ(events(run_folder() / "previous-1", "start").at(0).at("recipe").at("seed"), 0);
}

TEST_F(Program, FreshSetsNothingAsideWhenTheLauncherStartsTheRunAgain) {
  ASSERT_EQ(run(training({"--max-steps", "1", "--fresh"})).exit_code, kFinished);
  Words again_by_torchrun = command(training({"--max-steps", "1", "--fresh"}));
  again_by_torchrun.insert(again_by_torchrun.begin(), {"/usr/bin/env", "TORCHELASTIC_RESTART_COUNT=1"});
  const ProcessResult again = test::run_process(again_by_torchrun);
  EXPECT_EQ(again.exit_code, kFinished) << again.errors;
  EXPECT_THAT(again.errors, HasSubstr("--fresh is for its first start"));
  EXPECT_FALSE(exists(run_folder() / "previous-1"));
}

TEST_F(Program, ADamagedSnapshotIsNamedAndFreshSetsItAside) {
  ASSERT_EQ(run(training({"--max-steps", "1"})).exit_code, kFinished);
  write_file_atomically(run_folder() / "checkpoints/last", "step-00000077\n");
  expect_error(run(training({"--max-steps", "1"})), kData, AllOf(HasSubstr("checkpoints/last"), HasSubstr("--fresh")));
  EXPECT_EQ(run(training({"--max-steps", "1", "--fresh"})).exit_code, kFinished);
  EXPECT_TRUE(exists(run_folder() / "previous-1/checkpoints/last"));
}

TEST_F(Program, FlagsOfOldCommandLinesAreUnderstood) {
  const ProcessResult result =
      run({"train", "camouflage", "--dataset_path", dataset(), "--checkpoint_dir", run_folder(), "--device", "cpu",
           "--use-ddp", "--use-cod-specialized", "--img_size=32", "--backbone", "edgenext_xx_small", "--max-steps", "1",
           "--batch-size", "8", "--batch_size", "2"});
  ASSERT_EQ(result.exit_code, kFinished) << result.errors;
  EXPECT_THAT(result.errors,
              AllOf(HasSubstr("--batch-size given twice: 2 is taken"), HasSubstr("--use-ddp is always on")));
  EXPECT_EQ(events(run_folder(), "start").at(0).at("global_batch"), 2);
}

TEST_F(Program, ARunHeldByAnotherProcessIsLeftAlone) {
  const test::RunningProcess running(command(training({"--epochs", "1000", "--evaluate-every", "1000"})));
  const Stopwatch waited;
  while (events(run_folder(), "step").empty() && waited.seconds() < 60) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  expect_error(run(training()), kMachine, HasSubstr("another process"));
}

TEST_F(Program, EvaluatesFromTheSnapshotsWhereTheBestWeightsWereRemoved) {
  ASSERT_EQ(run(training()).exit_code, kFinished);
  const Words evaluating{"evaluate", "camouflage", "--checkpoint-dir", run_folder(), "--devices", "cpu"};
  const ProcessResult before = run(evaluating);
  ASSERT_EQ(before.exit_code, kFinished) << before.errors;
  std::filesystem::remove(run_folder() / "model.safetensors");
  const ProcessResult after = run(evaluating);
  EXPECT_EQ(after.exit_code, kFinished) << after.errors;
  EXPECT_EQ(after.output, before.output);
}

TEST_F(Program, DevicesThatAreNotUnderstoodAreNamed) {
  expect_error(run(training({"--devices", "tpu"})), kUsage, HasSubstr("--devices 'tpu'"));
}

TEST_F(Program, WithoutAGpuCudaIsMissingOnThisMachine) {
  if (exists("/dev/nvidiactl")) {
    GTEST_SKIP() << "this machine has a GPU";
  }
  expect_error(run(training({"--devices", "cuda"})), kMachine, HasSubstr("--devices cuda"));
}

TEST(ProgramWords, WhatIsMistypedIsNamedWithTheNearestWord) {
  expect_error(run({"train", "camouflage", "--batchsize", "3"}), kUsage,
               AllOf(HasSubstr("--batchsize"), HasSubstr("'--batch-size'")));
  expect_error(run({"train", "camoflage"}), kUsage, AllOf(HasSubstr("camoflage"), HasSubstr("'train camouflage'")));
  expect_error(run({"dance"}), kUsage, HasSubstr("dance"));
  expect_error(run({"train", "camouflage", "--epochs", "three"}), kUsage, HasSubstr("--epochs"));
  expect_error(run({"train", "camouflage", "--dataset-path", ".", "--img-size", "33"}), kUsage,
               HasSubstr("--img-size"));
  expect_error(run({"train", "camouflage"}), kUsage, HasSubstr("--dataset-path is missing"));
  expect_error(run({"evaluate", "camouflage", "--masks", "somewhere"}), kUsage, HasSubstr("--predictions"));
  expect_error(run({"evaluate", "camouflage", "--predictions", "some", "--masks", "others", "--baselines"}), kUsage,
               HasSubstr("--baselines"));
}

TEST(ProgramWords, ACommandWithoutItsTaskIsToldSo) {
  for (const char* verb : {"train", "evaluate", "predict"}) {
    for (const Words& words : {Words{verb}, Words{verb, "--help"}, Words{verb, "--epochs", "3"}}) {
      expect_error(run(words), kUsage, AllOf(HasSubstr("needs a task"), HasSubstr("camouflage --help")));
    }
  }
}

TEST(ProgramWords, ThreadsBeyondAllMachinesAreRefused) {
  expect_error(run({"train", "camouflage", "--threads-per-rank", "100000"}), kUsage, HasSubstr("--threads-per-rank"));
}

TEST(ProgramWords, TheFlagsOfTheDocumentsAreThoseOfTheProgram) {
  const ProcessResult printed = run({"flags"});
  ASSERT_EQ(printed.exit_code, kFinished);
  EXPECT_TRUE(printed.output == read_text(test::source_dir() / "docs/flags.md"))
      << "run `build/release/lockstep flags > docs/flags.md`";
}

TEST(ProgramWords, PredictAndEvaluateNeedARun) {
  const TempFolder empty;
  expect_error(run({"evaluate", "camouflage", "--checkpoint-dir", empty.path()}), kData,
               HasSubstr(empty.path().string()));
  expect_error(run({"predict", "camouflage", "--checkpoint-dir", empty.path(), "--input", empty.path()}), kData,
               HasSubstr(empty.path().string()));
}

TEST(ProgramWords, HelpAndVersionAreAnswers) {
  for (const Words& words : {Words{}, Words{"--help"}, Words{"--version"}, Words{"train", "camouflage", "--help"}}) {
    const ProcessResult result = run(words);
    EXPECT_EQ(result.exit_code, kFinished);
    EXPECT_THAT(result.output, HasSubstr("ockstep"));
    EXPECT_EQ(result.errors, "");
  }
}

TEST(ProgramRecipe, WhatIsPrintedIsUnderstood) {
  const TempFolder folder;
  const ProcessResult printed =
      run({"train", "camouflage", "--img-size", "64", "--lr", "0.003", "--max-steps", "9", "--print-recipe"});
  ASSERT_EQ(printed.exit_code, kFinished);
  EXPECT_THAT(printed.output, AllOf(HasSubstr("img_size = 64"), HasSubstr("max_steps = 9")));
  write_file_atomically(folder / "recipe.toml", printed.output);
  EXPECT_EQ(run({"train", "camouflage", "--recipe", folder / "recipe.toml", "--print-recipe"}).output, printed.output);
}

TEST(ProgramRecipe, EveryCommandPrintsItsOwn) {
  EXPECT_THAT(run({"evaluate", "camouflage", "--batch-size", "3", "--print-recipe"}).output,
              HasSubstr("batch_size = 3\n"));
  EXPECT_THAT(run({"predict", "camouflage", "--batch-size", "5", "--print-recipe"}).output,
              HasSubstr("batch_size = 5\n"));
}

TEST(ProgramRecipe, AnUnknownKeyIsNamedWithItsFile) {
  const TempFolder folder;
  write_file_atomically(folder / "recipe.toml", "epochs = 3\nbatch_sise = 4\n");
  expect_error(run({"train", "camouflage", "--recipe", folder / "recipe.toml"}), kUsage,
               AllOf(HasSubstr("recipe.toml:2"), HasSubstr("batch_sise")));
}

}  // namespace
}  // namespace lockstep::program
