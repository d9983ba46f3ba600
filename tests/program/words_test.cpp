// Runs the built program with words that it answers, or refuses, before it does anything.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/program/small_run.h"

namespace lockstep::program::words_test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

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
  const test::TempFolder empty;
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
  const test::TempFolder folder;
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
  const test::TempFolder folder;
  write_file_atomically(folder / "recipe.toml", "epochs = 3\nbatch_sise = 4\n");
  expect_error(run({"train", "camouflage", "--recipe", folder / "recipe.toml"}), kUsage,
               AllOf(HasSubstr("recipe.toml:2"), HasSubstr("batch_sise")));
}

}  // namespace
}  // namespace lockstep::program::words_test
