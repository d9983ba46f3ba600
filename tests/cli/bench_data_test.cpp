#include "lockstep/cli/bench_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/sample_options.h"
#include "tests/support/photographs.h"
#include "tests/support/temp_folder.h"

namespace lockstep::cli::bench_data_test {
namespace {

using testing::HasSubstr;
using testing::Not;
using Words = std::vector<std::string>;

std::string usage_error_of(const Words& words) {
  return message_of<UsageError>([&] { bench_data("lockstep bench data", words); });
}

TEST(BenchDataCommand, TellsSpeedPartsAndLimits) {
  const test::TempFolder folder;
  test::write_dataset(folder.path(), /*training=*/4, /*test=*/1);
  testing::internal::CaptureStdout();
  bench_data("lockstep bench data", {"--dataset-path", folder.path().string(), "--img-size", "32", "--num-workers", "2",
                                     "--batch-size", "4", "--seconds", "0.1"});
  const std::string output = testing::internal::GetCapturedStdout();
  EXPECT_THAT(output, HasSubstr("4 images of "));
  EXPECT_THAT(output, HasSubstr(" images/s with 2 decode threads; "));
  EXPECT_THAT(output, HasSubstr("  decode "));
  EXPECT_THAT(output, HasSubstr("  Huffman alone "));
}

TEST(BenchDataCommand, FillsTheCacheBeforeItMeasures) {
  const test::TempFolder folder;
  test::write_dataset(folder.path(), /*training=*/4, /*test=*/1);
  testing::internal::CaptureStdout();
  bench_data("lockstep bench data", {"--dataset-path", folder.path().string(), "--img-size", "32", "--num-workers", "1",
                                     "--batch-size", "4", "--seconds", "0.1", "--cache", "ram"});
  const std::string output = testing::internal::GetCapturedStdout();
  EXPECT_THAT(output, HasSubstr(", after an epoch that fills the cache\n"));
  EXPECT_THAT(output, Not(HasSubstr("  decode ")));
}

TEST(BenchDataCommand, RefusesWhatItCannotMeasure) {
  EXPECT_THAT(usage_error_of({}), HasSubstr("--dataset-path is missing"));
  EXPECT_THAT(usage_error_of({"--serve", "set", "1"}), HasSubstr("--serve has 2 values"));
  EXPECT_THAT(usage_error_of({"--serve", "set", "two", "1", "1", "1"}), HasSubstr("'two' is no number above 0"));
}

}  // namespace
}  // namespace lockstep::cli::bench_data_test
