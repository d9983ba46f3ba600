#include "lockstep/cli/camouflage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lockstep/cli/parse.h"
#include "tests/cli/sample_options.h"

namespace lockstep::cli::camouflage_test {
namespace {

void read(const std::vector<std::string>& words) {
  CamouflageSetup setup;
  parse(setup.table(), words, "lockstep train camouflage");
}

TEST(CamouflageFlags, OneWithoutTheOneThatItNeedsIsRefused) {
  const auto message = [](const std::vector<std::string>& words) {
    return message_of<UsageError>([&] { read(words); });
  };
  EXPECT_THAT(message({"--side-weight", "0.2"}), testing::StartsWith("--side-weight has no effect without --deep-"));
  EXPECT_THAT(message({"--moe-balance", "0.1"}),
              testing::StartsWith("--moe-balance has no effect without --moe-top-k"));
  EXPECT_THAT(message({"--no-ema-warmup"}), testing::StartsWith("--ema-warmup has no effect without --ema-decay"));
}

TEST(CamouflageFlags, WithItTheyAreTaken) {
  EXPECT_NO_THROW(read({}));
  EXPECT_NO_THROW(read({"--side-weight", "0.2", "--deep-supervision", "--moe-balance", "0.1", "--moe-top-k", "2",
                        "--no-ema-warmup", "--ema-decay", "0.99"}));
}

TEST(CamouflageEvaluation, FlagsOfANetworkDoNotGoWithPredictions) {
  const std::vector<std::vector<std::string>> cases = {
      {"--baselines"}, {"--test-time-flip"}, {"--dataset-path", "data"}};
  for (const std::vector<std::string>& words : cases) {
    std::vector<std::string> all{"--predictions", "answers", "--masks", "truths"};
    all.insert(all.end(), words.begin(), words.end());
    EXPECT_THAT(message_of<UsageError>([&] { evaluate_camouflage("lockstep evaluate camouflage", all); }),
                testing::AllOf(testing::StartsWith(words.front()), testing::HasSubstr("--predictions")));
  }
}

}  // namespace
}  // namespace lockstep::cli::camouflage_test
