#include "lockstep/cli/nearest.h"

#include <gtest/gtest.h>

namespace lockstep::cli::nearest_test {
namespace {

TEST(Nearest, FindsTheWordWithTheFewestEdits) {
  const std::vector<std::string> verbs = {"train", "predict", "evaluate"};
  EXPECT_EQ(nearest("trian", verbs), "train");
  EXPECT_EQ(nearest("evalute", verbs), "evaluate");
  EXPECT_EQ(nearest("predicts", verbs), "predict");
  EXPECT_EQ(nearest("tarin", {"tarn", "train"}), "tarn") << "the first of equals";
}

TEST(Nearest, FindsNothingFarAway) {
  EXPECT_EQ(nearest("serve", {"train", "predict"}), std::nullopt);
  EXPECT_EQ(nearest("", {"train"}), std::nullopt);
  EXPECT_EQ(nearest("train", {}), std::nullopt);
}

}  // namespace
}  // namespace lockstep::cli::nearest_test
