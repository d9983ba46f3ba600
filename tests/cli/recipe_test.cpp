#include "lockstep/cli/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "lockstep/base/files.h"
#include "tests/cli/sample_options.h"
#include "tests/support/temp_folder.h"

namespace lockstep::cli::recipe_test {
namespace {

class Recipe : public ::testing::Test {
 protected:
  std::filesystem::path write(const std::string& content) {
    write_file_atomically(folder_ / "recipe.toml", content);
    return folder_ / "recipe.toml";
  }

  /// The error from applying a recipe of that content, without the folder's name.
  std::string error_of(const std::string& content) {
    const std::string path = write(content).string();
    SampleOptions options;
    std::string message = message_of<UsageError>([&] { apply_recipe(options.table(), path); });
    EXPECT_TRUE(message.starts_with(path + ":")) << message;
    return message.substr(std::min(message.size(), path.size() + 1));
  }

 private:
  test::TempFolder folder_;
};

TEST_F(Recipe, ComesBackToTheBit) {
  SampleOptions saved;
  saved.dataset = "/data/with \"quotes\" and\nlines/\\é";
  saved.batch_size = std::numeric_limits<int>::max();
  saved.samples = std::numeric_limits<std::int64_t>::min();
  saved.seed = 9223372036854775807U;
  saved.ema = false;
  saved.max_steps = 3;
  saved.optimizer = "sgd";
  for (const double lr : {0.1, 1.0 / 3.0, 1.0, std::nextafter(0.1, 1.0), 1e-300, 5e-324, 2.5e-05}) {
    saved.lr = lr;
    saved.decay = -lr * 1e5;
    SampleOptions read;
    apply_recipe(read.table(), write(to_toml(saved.table())));
    EXPECT_EQ(read.lr, saved.lr);
    EXPECT_EQ(read.decay, saved.decay);
    EXPECT_EQ(read.dataset, saved.dataset);
    EXPECT_EQ(read.batch_size, saved.batch_size);
    EXPECT_EQ(read.samples, saved.samples);
    EXPECT_EQ(read.seed, saved.seed);
    EXPECT_EQ(read.ema, saved.ema);
    EXPECT_EQ(read.max_steps, saved.max_steps);
    EXPECT_EQ(read.optimizer, saved.optimizer);
    EXPECT_EQ(read.pretrained, std::nullopt);
  }
}

TEST_F(Recipe, IsGroupedAndExplained) {
  SampleOptions options;
  options.batch_size = 32;
  const std::string recipe = to_toml(options.table());
  EXPECT_TRUE(recipe.starts_with("## Data\n\n# The folder with the photographs.\n")) << recipe;
  EXPECT_NE(recipe.find("# Samples per rank per forward pass. (at least 1; default: 32)\nbatch_size = 32\n"),
            std::string::npos)
      << recipe;
  EXPECT_NE(recipe.find("# max_steps = \n"), std::string::npos) << recipe;
  EXPECT_EQ(recipe.find("fresh"), std::string::npos);
  EXPECT_EQ(recipe.find("use_ddp"), std::string::npos);
}

TEST_F(Recipe, TakesWholeNumbersForRealOnesAndHyphensInKeys) {
  SampleOptions options;
  apply_recipe(options.table(), write("lr = 1\nbatch-size = 2\ndevice = 'cuda'\n"));
  EXPECT_EQ(options.lr, 1.0);
  EXPECT_EQ(options.batch_size, 2);
  EXPECT_EQ(options.devices, "cuda");
}

TEST_F(Recipe, NamesTheLineOfWhatIsWrong) {
  EXPECT_EQ(error_of("lr = 0.1\nbach_size = 3\n"), "2: 'bach_size' is no option; did you mean 'batch_size'?");
  EXPECT_EQ(error_of("colour = 3\n"), "1: 'colour' is no option; --print-recipe prints all of them");
  EXPECT_EQ(error_of("\n\nbatch_size = 'many'\n"), "3: 'batch_size' cannot be 'many'; give a whole number, at least 1");
  EXPECT_EQ(error_of("batch_size = 2.0\n"), "1: 'batch_size' cannot be '2'; give a whole number, at least 1");
  EXPECT_EQ(error_of("optimizer = 5\n"), "1: 'optimizer' cannot be '5'; give one of: adamw, sgd");
  EXPECT_EQ(error_of("devices = 5\n"), "1: 'devices' cannot be '5'; give a text");
  EXPECT_EQ(error_of("lr = 2.0\n"), "1: 'lr' cannot be '2'; give a number, above 0 and at most 1");
  EXPECT_EQ(error_of("weight_decay = inf\n"), "1: 'weight_decay' cannot be 'inf'; give a number");
  EXPECT_EQ(error_of("ema = [true]\n"), "1: 'ema' cannot be a table, a list or a date; give true or false");
  EXPECT_EQ(error_of("[lr]\nvalue = 1\n"),
            "1: 'lr' cannot be a table, a list or a date; give a number, above 0 and at most 1");
  EXPECT_EQ(error_of("fresh = true\n"), "1: 'fresh' does not belong in a recipe; give --fresh on the command line");
}

TEST_F(Recipe, NamesTheLineOfBrokenToml) {
  EXPECT_TRUE(error_of("lr = 0.1\nbatch_size = = 3\n").starts_with("2: ")) << error_of("lr = 0.1\nbatch_size = = 3\n");
  EXPECT_TRUE(error_of("lr = 0.1\nlr = 0.2\n").starts_with("2: "));
}

TEST_F(Recipe, SaysWhenTheFileIsMissing) {
  SampleOptions options;
  const std::string message = message_of<DataError>([&] { apply_recipe(options.table(), "/nowhere/recipe.toml"); });
  EXPECT_NE(message.find("/nowhere/recipe.toml"), std::string::npos);
}

TEST_F(Recipe, ComparisonTellsWhatAffectsTheResult) {
  SampleOptions saved;
  const auto path = write(to_toml(saved.table()));
  SampleOptions now;
  const OptionTable table = now.table();
  EXPECT_TRUE(compare_recipes(table, path).empty());

  now.devices = "cuda";
  now.fresh = true;
  EXPECT_EQ(describe(compare_recipes(table, path)), "--devices was 'cpu', is 'cuda'");
  EXPECT_TRUE(refused(compare_recipes(table, path)).empty());

  now.lr = std::nextafter(1e-3, 1.0);
  now.optimizer = "sgd";
  now.max_steps = 5;
  EXPECT_EQ(
      describe(refused(compare_recipes(table, path))),
      "--lr was 0.001, is 0.0010000000000000002; --optimizer was 'adamw', is 'sgd'; --max-steps was not set, is 5");
}

TEST_F(Recipe, WhatARunKeepsIsNoDifferenceWhereItIsLeftOut) {
  SampleOptions saved;
  saved.threads = 3;
  const auto path = write(to_toml(saved.table()));
  SampleOptions now;
  const OptionTable table = now.table();
  EXPECT_TRUE(compare_recipes(table, path).empty());
  now.threads = 2;
  EXPECT_EQ(describe(compare_recipes(table, path)), "--threads was 3, is 2");
}

TEST_F(Recipe, WhatARecipeDoesNotNameCountsAsTheDefault) {
  SampleOptions now;
  const OptionTable table = now.table();
  now.batch_size = 4;
  const auto differences = compare_recipes(table, write("lr = 0.001\n"));
  EXPECT_EQ(describe(differences), "--batch-size was 8, is 4");
}

TEST_F(Recipe, TheTableOfDifferencesSaysWhatEachMeans) {
  SampleOptions now;
  const OptionTable table = now.table();
  const auto path = write(to_toml(table));
  EXPECT_TRUE(to_table(compare_recipes(table, path)).empty());
  now.lr = 0.25;
  now.max_steps = 5;
  now.devices = "größer";
  now.dataset = "data";
  EXPECT_THAT(to_table(compare_recipes(table, path)),
              testing::ElementsAre("option          was      is      for the run",
                                   "--dataset-path  ''       data    refused: it would be another run",
                                   "--lr            0.001    0.25    refused: it would be another run",
                                   "--max-steps     not set  5       refused: it would be another run",
                                   "--devices       cpu      größer  goes on there"));
}

TEST_F(Recipe, BecomesJson) {
  SampleOptions options;
  options.dataset = "/data";
  const nlohmann::json json = to_json(options.table());
  EXPECT_EQ(json["dataset_path"], "/data");
  EXPECT_EQ(json["batch_size"], 8);
  EXPECT_EQ(json["lr"], 1e-3);
  EXPECT_EQ(json["ema"], true);
  EXPECT_TRUE(json["max_steps"].is_null());
  EXPECT_FALSE(json.contains("fresh"));
  EXPECT_FALSE(json.contains("use_ddp"));
}

TEST_F(Recipe, ValuesThatGiveTheSameResultAreNotRefused) {
  std::string store = "off";
  OptionTable table;
  table.add("--store", store, "Where things are kept.",
            {.allowed = {"off", "ram", "disk"}, .same_result = {"ram", "disk"}});
  const std::filesystem::path saved = write("store = 'ram'\n");
  store = "disk";
  EXPECT_TRUE(refused(compare_recipes(table, saved)).empty());
  EXPECT_EQ(compare_recipes(table, saved).at(0).meaning, "changes no number");
  store = "off";
  EXPECT_EQ(describe(refused(compare_recipes(table, saved))), "--store was 'ram', is 'off'");
}

}  // namespace
}  // namespace lockstep::cli::recipe_test
