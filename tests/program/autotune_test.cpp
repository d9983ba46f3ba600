// Runs the built program with --autotune.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/program/small_run.h"

namespace lockstep::program::autotune_test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class Autotune : public testing::Test {
 protected:
  Autotune() { test::write_dataset(folder_ / "data", 8, 2); }

  path in_folder(const std::string& name) const { return folder_ / name; }

  /// Two thread ranks, or two processes, on small images.
  ProcessResult tune(const std::string& ranks, const std::string& max_steps) const {
    return run(training_on(in_folder("data"), in_folder("run")) +
               Words{"--devices", "cpu:2", "--ranks", ranks, "--autotune", "--max-steps", max_steps});
  }

  std::string recipe(const std::string& run) const { return read_text(in_folder(run) / "recipe.toml"); }

 private:
  test::TempFolder folder_;
};

TEST_F(Autotune, ItsChoiceStandsInTheRecipeAndIsThatOfResumesAndRepeats) {
  const ProcessResult first = tune("thread", "2");
  ASSERT_EQ(first.exit_code, 0) << first.errors;
  EXPECT_THAT(first.errors, HasSubstr("--autotune: --memory-format "));
  const std::string recipe_of_run = recipe("run");
  EXPECT_THAT(recipe_of_run, ContainsRegex("\nmemory_format = ['\"](channels-last|contiguous)['\"]\n"));
  EXPECT_THAT(recipe_of_run, ContainsRegex("\nthreads_per_rank = [1-9]"));

  const ProcessResult resumed = tune("thread", "5");
  ASSERT_EQ(resumed.exit_code, 0) << resumed.errors;
  EXPECT_THAT(resumed.errors, HasSubstr("resuming after step 2"));
  EXPECT_THAT(resumed.errors, Not(HasSubstr("--autotune")));
  EXPECT_EQ(recipe("run"), recipe_of_run);

  const ProcessResult repeated = run({"train", "camouflage", "--checkpoint-dir", in_folder("repeat"), "--recipe",
                                      in_folder("run") / "recipe.toml", "--max-steps", "5"});
  ASSERT_EQ(repeated.exit_code, 0) << repeated.errors;
  EXPECT_THAT(repeated.errors, HasSubstr("--autotune: nothing is left open"));
  EXPECT_EQ(read_file(in_folder("repeat") / "model.safetensors"), read_file(in_folder("run") / "model.safetensors"));
}

TEST_F(Autotune, OnProcessesOneOfThemTellsAndWritesWhatAllChose) {
  const ProcessResult first = tune("process", "1");
  ASSERT_EQ(first.exit_code, 0) << first.errors;
  const std::string choice = "--autotune: --memory-format ";
  EXPECT_THAT(first.errors, HasSubstr(choice));
  EXPECT_EQ(first.errors.find(choice), first.errors.rfind(choice)) << first.errors;
  EXPECT_THAT(recipe("run"), ContainsRegex("\nthreads_per_rank = [1-9]"));

  const ProcessResult resumed = tune("process", "2");
  ASSERT_EQ(resumed.exit_code, 0) << resumed.errors;
  EXPECT_THAT(resumed.errors, HasSubstr("resuming after step 1"));
  EXPECT_THAT(resumed.errors, Not(HasSubstr("--autotune")));
}

}  // namespace
}  // namespace lockstep::program::autotune_test
