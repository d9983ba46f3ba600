#include "lockstep/data/normalise.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "lockstep/base/files.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::data::normalise_test {
namespace {

TEST(Normalise, EqualsTorchvision) {
  if (!test::python_has({"torch", "torchvision"})) {
    GTEST_SKIP() << "torchvision is not installed";
  }
  std::vector<std::uint8_t> pixels(3 * 2501);  // more than two tiles, and no whole number of vectors
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<std::uint8_t>(i * 37 + i / 256);
  }
  const test::TempFolder folder;
  write_file_atomically(folder / "in", std::as_bytes(std::span(pixels)));
  const test::ProcessResult result =
      test::run_python("tests/data/normalise_reference.py", {folder / "in", folder / "out"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const std::vector<std::byte> bytes = read_file(folder / "out");
  ASSERT_EQ(bytes.size(), pixels.size() * sizeof(float));
  std::vector<float> expected(pixels.size());
  std::memcpy(expected.data(), bytes.data(), bytes.size());
  std::vector<float> planes(pixels.size());
  normalise(pixels, planes);
  for (std::size_t i = 0; i < planes.size(); ++i) {
    ASSERT_NEAR(planes[i], expected[i], 1e-6) << "value " << i;
  }
}

TEST(Normalise, RefusesPlanesOfAnotherSize) {
  const std::vector<std::uint8_t> pixels(12);
  std::vector<float> planes(11);
  EXPECT_THROW(normalise(pixels, planes), std::logic_error);
}

}  // namespace
}  // namespace lockstep::data::normalise_test
