#include "lockstep/metrics/saliency.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>

#include "lockstep/base/files.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::metrics::saliency_test {
namespace {

constexpr double kTolerance = 1e-4;

std::vector<std::uint8_t> read_bytes(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path);
  std::vector<std::uint8_t> values(bytes.size());
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

void expect_metrics(const std::map<std::string, double>& metrics, std::istream& expected, const std::string& pair) {
  std::string name;
  double value = 0;
  std::size_t compared = 0;
  while (expected >> name >> value) {
    ASSERT_TRUE(metrics.contains(name)) << name;
    // The E-measure of an image of one pixel is divided by almost nothing.
    EXPECT_NEAR(metrics.at(name), value, kTolerance * std::max(1.0, std::abs(value))) << pair << ' ' << name;
    ++compared;
  }
  EXPECT_EQ(compared, metrics.size());
}

/// Compares with what saliency_reference.py left in a folder, pair by pair and for the set.
void expect_reference(const std::filesystem::path& folder) {
  std::ifstream lines(folder / "expected.txt");
  std::vector<std::vector<double>> records;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream expected(line);
    std::string name;
    int width = 0;
    int height = 0;
    expected >> name >> width >> height;
    if (name == "all") {
      expect_metrics(summarise_saliency(records), expected, name);
      continue;
    }
    records.push_back(saliency_record(read_bytes(folder / (name + ".prediction")),
                                      read_bytes(folder / (name + ".mask")), width, height));
    EXPECT_EQ(records.back().size(), static_cast<std::size_t>(saliency_record_length()));
    expect_metrics(summarise_saliency(std::span(&records.back(), 1)), expected, name);
  }
  EXPECT_GE(records.size(), 3U);
}

TEST(Saliency, EqualsPySodMetricsOnMadeUpPairs) {
  if (!test::python_has({"py_sod_metrics", "cv2"})) {
    GTEST_SKIP() << "needs Python with PySODMetrics";
  }
  const test::TempFolder folder;
  const test::ProcessResult result = test::run_python("tests/metrics/saliency_reference.py", {folder.path().string()});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  expect_reference(folder.path());
}

TEST(Saliency, EqualsPySodMetricsOnItsOwnTestImages) {
  const std::filesystem::path images = test::shared_data("pysod");
  if (images.empty() || !test::python_has({"py_sod_metrics", "cv2"})) {
    GTEST_SKIP() << "needs the test images of PySODMetrics and Python with PySODMetrics";
  }
  const test::TempFolder folder;
  const test::ProcessResult result = test::run_python("tests/metrics/saliency_reference.py",
                                                      {folder.path().string(), (images / "test_data").string()});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  expect_reference(folder.path());
}

TEST(Saliency, AnEmptyPredictionOfAnEmptyMaskIsRight) {
  const std::vector<std::uint8_t> black(20, 0);
  const std::map<std::string, double> metrics =
      summarise_saliency(std::vector<std::vector<double>>{saliency_record(black, black, 5, 4)});
  EXPECT_EQ(metrics.at("iou"), 1);
  EXPECT_EQ(metrics.at("dice"), 1);
  EXPECT_EQ(metrics.at("mae"), 0);
}

TEST(Saliency, StaysFiniteWhereTheObjectsCentreIsInTheLastColumn) {
  std::vector<std::uint8_t> mask(20, 0);
  mask[9] = 255;
  for (const double value : saliency_record(mask, mask, 5, 4)) {
    EXPECT_TRUE(std::isfinite(value));
  }
}

TEST(Saliency, FixedThresholdIsTakenBeforeThePredictionIsStretched) {
  const std::vector<std::uint8_t> mask{255, 255, 0, 0};
  const std::vector<std::uint8_t> faint{100, 100, 0, 0};
  const std::map<std::string, double> metrics =
      summarise_saliency(std::vector<std::vector<double>>{saliency_record(faint, mask, 2, 2)});
  EXPECT_EQ(metrics.at("iou"), 0);
  EXPECT_GT(metrics.at("mean_iou"), 0.99);
}

TEST(Saliency, NoRecordsGiveNoMetrics) { EXPECT_TRUE(summarise_saliency({}).empty()); }

}  // namespace
}  // namespace lockstep::metrics::saliency_test
