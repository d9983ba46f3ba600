#include "lockstep/metrics/average_precision.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::metrics {
namespace {

constexpr double kTolerance = 1e-9;

/// What average_precision_reference.py has written for one case.
struct Case {
  std::vector<Detection> found;
  std::vector<TrueBox> truth;
  std::vector<CategoryPrecision> categories;
  double ap = 0;
  double ap50 = 0;
  double ap75 = 0;
};

Case read_case(const std::filesystem::path& path) {
  Case result;
  std::ifstream lines(path);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    if (kind == "found") {
      Detection box;
      words >> box.image >> box.category >> box.score >> box.x0 >> box.y0 >> box.x1 >> box.y1;
      result.found.push_back(box);
    } else if (kind == "truth") {
      TrueBox box;
      words >> box.image >> box.category >> box.x0 >> box.y0 >> box.x1 >> box.y1 >> box.is_crowd >> box.is_ignored;
      result.truth.push_back(box);
    } else if (kind == "category") {
      CategoryPrecision one;
      words >> one.category >> one.ap >> one.ap50 >> one.ap75;
      result.categories.push_back(one);
    } else {
      words >> result.ap >> result.ap50 >> result.ap75;
    }
    EXPECT_FALSE(words.fail()) << line;
  }
  return result;
}

void expect_case(const Case& expected) {
  const AveragePrecision result = average_precision(expected.found, expected.truth);
  EXPECT_NEAR(result.ap, expected.ap, kTolerance);
  EXPECT_NEAR(result.ap50, expected.ap50, kTolerance);
  EXPECT_NEAR(result.ap75, expected.ap75, kTolerance);
  ASSERT_EQ(result.categories.size(), expected.categories.size());
  for (std::size_t i = 0; i < result.categories.size(); ++i) {
    EXPECT_EQ(result.categories[i].category, expected.categories[i].category);
    EXPECT_NEAR(result.categories[i].ap, expected.categories[i].ap, kTolerance);
    EXPECT_NEAR(result.categories[i].ap50, expected.categories[i].ap50, kTolerance);
    EXPECT_NEAR(result.categories[i].ap75, expected.categories[i].ap75, kTolerance);
  }
}

TEST(AveragePrecision, EqualsPycocotoolsOnRandomBoxes) {
  if (!test::python_has({"pycocotools", "numpy"})) {
    GTEST_SKIP() << "needs Python with pycocotools";
  }
  const test::TempFolder folder;
  const test::ProcessResult result =
      test::run_python("tests/metrics/average_precision_reference.py", {folder.path().string()});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  std::size_t cases = 0;
  double highest = 0;
  double lowest = 1;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    SCOPED_TRACE(entry.path().filename().string());
    const Case expected = read_case(entry.path());
    expect_case(expected);
    highest = std::max(highest, expected.ap);
    lowest = std::min(lowest, expected.ap);
    ++cases;
  }
  EXPECT_GE(cases, 13U);
  EXPECT_GT(highest, lowest + 0.2) << "the cases are all alike";
}

const TrueBox kTruth{.x0 = 10, .y0 = 10, .x1 = 50, .y1 = 30};

Detection at(double score, double x0) { return {.score = score, .x0 = x0, .y0 = 10, .x1 = x0 + 40, .y1 = 30}; }

TEST(AveragePrecision, IsOneForTheBoxItself) {
  const AveragePrecision result = average_precision(std::vector{at(0.3, 10)}, std::vector{kTruth});
  EXPECT_NEAR(result.ap, 1, 1e-12);
  EXPECT_EQ(result.categories.at(0).boxes, 1U);
}

TEST(AveragePrecision, CountsAFurtherDetectionOfTheSameBoxAsWrong) {
  const std::vector<Detection> twice{at(0.3, 10), at(0.9, 90)};
  EXPECT_NEAR(average_precision(twice, std::vector{kTruth}).ap50, 0.5, 1e-12);
}

TEST(AveragePrecision, FallsOffWithTheOverlap) {
  // 30 of 40 columns are common: an IoU of 0.6.
  const AveragePrecision result = average_precision(std::vector{at(1, 20)}, std::vector{kTruth});
  EXPECT_NEAR(result.ap50, 1, 1e-12);
  EXPECT_EQ(result.ap75, 0);
  EXPECT_NEAR(result.ap, 0.3, 1e-12);
}

TEST(AveragePrecision, HasNoCategoriesWhereNothingIsToBeFound) {
  TrueBox crowd = kTruth;
  crowd.is_crowd = true;
  EXPECT_TRUE(average_precision(std::vector{at(1, 10)}, std::vector{crowd}).categories.empty());
  EXPECT_EQ(average_precision({}, {}).ap, 0);
}

}  // namespace
}  // namespace lockstep::metrics
