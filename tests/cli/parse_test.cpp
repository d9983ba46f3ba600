#include "lockstep/cli/parse.h"

#include <gtest/gtest.h>

#include "lockstep/base/files.h"
#include "lockstep/base/log.h"
#include "tests/cli/sample_options.h"
#include "tests/support/temp_folder.h"

namespace lockstep::cli::parse_test {
namespace {

class Parse : public ::testing::Test {
 protected:
  Parse() {
    before_ = log::set_sink([this](log::Level, const std::string& line) { logged_.push_back(line); });
  }
  ~Parse() override { log::set_sink(before_); }

  GeneralOptions parse(const std::vector<std::string>& arguments) {
    return cli::parse(options_.table(), arguments, "lockstep train sample");
  }

  std::string error_of(const std::vector<std::string>& arguments) {
    return message_of<UsageError>([&] { parse(arguments); });
  }

  SampleOptions options_;
  std::vector<std::string> logged_;

 private:
  log::Sink before_;
};

TEST_F(Parse, WithoutArgumentsLeavesTheDefaults) {
  const GeneralOptions general = parse({});
  EXPECT_FALSE(general.help_requested);
  EXPECT_FALSE(general.print_recipe_requested);
  EXPECT_EQ(options_.batch_size, 8);
  EXPECT_EQ(options_.lr, 1e-3);
  EXPECT_EQ(options_.max_steps, std::nullopt);
}

TEST_F(Parse, SetsEveryTypeFromBothSpellings) {
  parse({"--dataset-path", "/data/cod", "--batch-size=32", "--samples", "5000000000", "--seed=9223372036854775807",
         "--lr", "2.5e-4", "--optimizer=sgd", "--max-steps", "7", "--pretrained=weights.safetensors", "--clip", "1",
         "--deterministic", "--no-ema"});
  EXPECT_EQ(options_.dataset, "/data/cod");
  EXPECT_EQ(options_.batch_size, 32);
  EXPECT_EQ(options_.samples, 5000000000);
  EXPECT_EQ(options_.seed, 9223372036854775807U);
  EXPECT_EQ(options_.lr, 2.5e-4);
  EXPECT_EQ(options_.optimizer, "sgd");
  EXPECT_EQ(options_.max_steps, 7);
  EXPECT_EQ(options_.pretrained, "weights.safetensors");
  EXPECT_EQ(options_.clip, 1.0);
  EXPECT_TRUE(options_.deterministic);
  EXPECT_FALSE(options_.ema);
  EXPECT_TRUE(logged_.empty());
}

TEST_F(Parse, SwitchesTakeTheirValueAfterAnEqualsSign) {
  parse({"--ema=false", "--deterministic=true"});
  EXPECT_FALSE(options_.ema);
  EXPECT_TRUE(options_.deterministic);
  EXPECT_EQ(error_of({"--ema=perhaps"}), "--ema cannot be 'perhaps'; give true or false");
}

TEST_F(Parse, TakesUnderscoresForHyphensInNamesOnly) {
  parse({"--batch_size", "4", "--dataset_path=/my_data", "--no_ema"});
  EXPECT_EQ(options_.batch_size, 4);
  EXPECT_EQ(options_.dataset, "/my_data");
}

TEST_F(Parse, TakesAliases) {
  parse({"--device", "cuda"});
  EXPECT_EQ(options_.devices, "cuda");
}

TEST_F(Parse, TakesNegativeNumbers) {
  parse({"--samples", "-3", "--weight-decay", "-1e-3"});
  EXPECT_EQ(options_.samples, -3);
  EXPECT_EQ(options_.decay, -1e-3);
}

TEST_F(Parse, OfAFlagGivenTwiceTheLastCounts) {
  parse({"--lr", "0.1", "--ema", "--lr=0.2", "--device", "cpu", "--no-ema", "--devices", "cuda", "--device", "cpu"});
  EXPECT_EQ(options_.lr, 0.2);
  EXPECT_FALSE(options_.ema);
  EXPECT_EQ(options_.devices, "cpu");
  EXPECT_EQ(logged_, (std::vector<std::string>{"--lr given twice: 0.2 is taken", "--ema given twice: false is taken",
                                               "--devices given 3 times: cpu is taken"}));
}

TEST_F(Parse, SaysThatAFlagIsAlwaysOn) {
  parse({"--use_ddp"});
  EXPECT_EQ(logged_, std::vector<std::string>{"--use-ddp is always on: it can be left out"});
  EXPECT_EQ(error_of({"--no-use-ddp"}), "--use-ddp cannot be switched off; leave it out");
}

TEST_F(Parse, SuggestsTheNearestFlag) {
  EXPECT_EQ(error_of({"--bach-size", "4"}), "unknown flag '--bach-size'; did you mean '--batch-size'?");
  EXPECT_EQ(error_of({"--recpie=x.toml"}), "unknown flag '--recpie'; did you mean '--recipe'?");
  EXPECT_EQ(error_of({"--colour"}), "unknown flag '--colour'; 'lockstep train sample --help' lists the flags");
  EXPECT_EQ(error_of({"-x"}), "unknown flag '-x'; 'lockstep train sample --help' lists the flags");
}

TEST_F(Parse, RefusesAFlagWithoutItsValue) {
  EXPECT_EQ(error_of({"--batch-size"}), "--batch-size has no value; give a whole number, at least 1");
  EXPECT_EQ(error_of({"--batch-size", "--lr", "1"}), "--batch-size has no value; give a whole number, at least 1");
  EXPECT_EQ(error_of({"--dataset-path", ""}), "--dataset-path has no value; give a file or folder");
  EXPECT_EQ(error_of({"--dataset-path="}), "--dataset-path has no value; give a file or folder");
  EXPECT_EQ(error_of({"--recipe"}), "--recipe has no value; give a file or folder");
}

TEST_F(Parse, RefusesWhatIsNoNumber) {
  EXPECT_EQ(error_of({"--batch-size", "four"}), "--batch-size cannot be 'four'; give a whole number, at least 1");
  EXPECT_EQ(error_of({"--batch-size", "4.5"}), "--batch-size cannot be '4.5'; give a whole number, at least 1");
  EXPECT_EQ(error_of({"--lr", "1e-3x"}), "--lr cannot be '1e-3x'; give a number, above 0 and at most 1");
  EXPECT_EQ(error_of({"--weight-decay", "nan"}), "--weight-decay cannot be 'nan'; give a number");
}

TEST_F(Parse, RefusesNumbersOutsideTheirRange) {
  EXPECT_EQ(error_of({"--batch-size", "0"}), "--batch-size cannot be '0'; give a whole number, at least 1");
  EXPECT_EQ(error_of({"--seed", "-1"}), "--seed cannot be '-1'; give a whole number from 0 to 9223372036854775807");
  EXPECT_EQ(error_of({"--batch-size", "4294967297"}),
            "--batch-size cannot be '4294967297'; give a whole number from -2147483648 to 2147483647");
  EXPECT_EQ(error_of({"--lr=0"}), "--lr cannot be '0'; give a number, above 0 and at most 1");
  EXPECT_EQ(error_of({"--lr", "1.1"}), "--lr cannot be '1.1'; give a number, above 0 and at most 1");
  parse({"--lr", "1"});
  EXPECT_EQ(options_.lr, 1.0);
}

TEST_F(Parse, ListsTheAllowedValues) {
  EXPECT_EQ(error_of({"--optimizer", "adam"}), "--optimizer cannot be 'adam'; give one of: adamw, sgd");
}

TEST_F(Parse, RefusesWhatBelongsToNoFlag) {
  EXPECT_EQ(error_of({"--deterministic", "yes"}),
            "'yes' belongs to no flag; switches take no value; 'lockstep train sample --help' lists the flags");
  EXPECT_EQ(error_of({"photos"}),
            "'photos' belongs to no flag; switches take no value; 'lockstep train sample --help' lists the flags");
}

TEST_F(Parse, HelpIsFoundAmongWrongFlags) {
  EXPECT_TRUE(parse({"--batch-size", "0", "--what", "--help"}).help_requested);
  EXPECT_TRUE(parse({"-h"}).help_requested);
  EXPECT_EQ(options_.batch_size, 8);
}

TEST_F(Parse, FlagsWinOverTheRecipeAndTheRecipeOverDefaults) {
  const test::TempFolder folder;
  write_file_atomically(folder / "recipe.toml", "batch_size = 16\nlr = 0.5\n");
  const auto general = parse({"--lr", "0.25", "--recipe", (folder / "recipe.toml").string(), "--print-recipe"});
  EXPECT_TRUE(general.print_recipe_requested);
  EXPECT_EQ(general.recipe, folder / "recipe.toml");
  EXPECT_EQ(options_.batch_size, 16);
  EXPECT_EQ(options_.lr, 0.25);
  EXPECT_EQ(options_.seed, 1U);
}

}  // namespace
}  // namespace lockstep::cli::parse_test
