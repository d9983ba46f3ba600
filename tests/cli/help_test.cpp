#include "lockstep/cli/help.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/cli/sample_options.h"

namespace lockstep::cli::help_test {
namespace {

TEST(Help, ListsFlagsByGroupWithPlaceholderRangeAndDefault) {
  SampleOptions options;
  const std::string help = help_text(options.table(), "lockstep train sample", "Trains a sample.");
  const std::string begin =
      "Usage: lockstep train sample [flags]\n"
      "\n"
      "Trains a sample.\n"
      "\n"
      "Data\n"
      "  --dataset-path DIR              The folder with the photographs.\n"
      "  --batch-size N                  Samples per rank per forward pass. (at least 1; default: 8)\n"
      "  --samples N                     Samples of an epoch. (default: 1000)\n"
      "\n"
      "Training\n"
      "  --seed N                        Where all random numbers come from. (at least 0; default: 1)\n"
      "  --lr X                          The highest learning rate. (above 0 and at most 1; default: 0.001)\n"
      "  --weight-decay X                How fast weights fade. (default: 0.05)\n"
      "  --optimizer NAME                How weights are moved. (one of: adamw, sgd; default: adamw)\n"
      "  --[no-]ema                      Keep a running mean of the weights. (default: true)\n";
  EXPECT_EQ(help.substr(0, begin.size()), begin);
  EXPECT_NE(help.find("  --devices, --device TEXT        Where it runs. (default: cpu)\n"), std::string::npos) << help;
  EXPECT_NE(help.find("  --deterministic                 The same bits in every run.\n"), std::string::npos) << help;
  EXPECT_NE(help.find("  --use-ddp                       Train on several ranks. (always on)\n"), std::string::npos);
  EXPECT_NE(help.find("  --help, -h                      Show this text.\n"), std::string::npos);
  EXPECT_NE(help.find("  --recipe FILE  "), std::string::npos);
  EXPECT_EQ(help.find("--fresh"), std::string::npos) << "hidden";
}

TEST(Help, KeepsToAHundredColumns) {
  std::string story;
  for (int i = 0; i < 60; ++i) {
    story += "word" + std::to_string(i) + " ";
  }
  int value = 0;
  OptionTable table;
  table.add("--a-flag-with-a-name-beyond-its-column", value, story);
  std::istringstream help(help_text(table, "lockstep", story));
  std::string all;
  for (std::string line; std::getline(help, line);) {
    EXPECT_LE(line.size(), 100U) << line;
    all += line + "\n";
  }
  EXPECT_NE(all.find("  --a-flag-with-a-name-beyond-its-column N\n                                  word0 word1"),
            std::string::npos)
      << all;
  EXPECT_NE(all.find("word59"), std::string::npos);
}

TEST(Help, BecomesMarkdown) {
  std::string mode = "a";
  OptionTable table;
  table.add("--mode", mode, "One | the other.", {.group = "Ways", .placeholder = "a|b", .allowed = {"a", "b"}});
  EXPECT_EQ(to_markdown(table),
            "### Ways\n\n| Flag | Meaning |\n| --- | --- |\n"
            "| `--mode a\\|b` | One \\| the other. (one of: a, b; default: a) |\n\n");
}

}  // namespace
}  // namespace lockstep::cli::help_test
