#include "lockstep/checkpoint/safetensors.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cstdint>
#include <string>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::checkpoint::safetensors_test {
namespace {

const std::map<std::string, std::string> kMetadata = {{"made by", "a test"}, {"größe", "1"}};

/// The same as in safetensors_reference.py.
NamedTensors known_tensors() {
  const at::Tensor numbers = at::arange(6, at::kLong);
  return {{"double", (numbers.to(at::kDouble) / 3).view({2, 3})},
          {"float", (numbers.to(at::kFloat) / 3).view({3, 2})},
          {"half", numbers.to(at::kHalf)},
          {"bfloat", numbers.to(at::kBFloat16).view({1, 6})},
          {"long", numbers - 3},
          {"int", numbers.to(at::kInt) - 3},
          {"byte", numbers.to(at::kByte)},
          {"bool", numbers % 2 == 0},
          {"scalar", at::scalar_tensor(2.5)},
          {"empty", at::zeros({0, 4})}};
}

void expect_known(const SafetensorsFile& file) {
  const std::map<std::string, at::Tensor> tensors(file.tensors.begin(), file.tensors.end());
  ASSERT_EQ(tensors.size(), known_tensors().size());
  for (const auto& [name, expected] : known_tensors()) {
    ASSERT_TRUE(tensors.contains(name)) << name;
    EXPECT_EQ(tensors.at(name).scalar_type(), expected.scalar_type()) << name;
    EXPECT_TRUE(at::equal(tensors.at(name), expected)) << name;
  }
  EXPECT_EQ(file.metadata, kMetadata);
}

TEST(Safetensors, ComeBackAsTheyWere) {
  const test::TempFolder folder;
  write_safetensors(folder / "file", known_tensors(), kMetadata);
  expect_known(read_safetensors(folder / "file"));
}

TEST(Safetensors, KeepTheOrderOfOneType) {
  const test::TempFolder folder;
  write_safetensors(folder / "file", {{"b", at::ones({2})}, {"c", at::ones({0})}, {"a", at::ones({1})}});
  const SafetensorsFile file = read_safetensors(folder / "file");
  ASSERT_EQ(file.tensors.size(), 3U);
  EXPECT_EQ(file.tensors[0].first, "b");
  EXPECT_EQ(file.tensors[1].first, "c");
  EXPECT_EQ(file.tensors[2].first, "a");
}

TEST(Safetensors, TakeTensorsThatAreNotContiguousOrNeedGradients) {
  const test::TempFolder folder;
  const at::Tensor tensor = at::arange(6, at::kFloat).view({2, 3}).t().requires_grad_();
  write_safetensors(folder / "file", {{"a", tensor}});
  EXPECT_TRUE(at::equal(read_safetensors(folder / "file").tensors[0].second, tensor));
}

TEST(Safetensors, AreReadByTheReferenceAndReadItsFiles) {
  if (!test::python_has({"torch", "safetensors"})) {
    GTEST_SKIP() << "needs safetensors for Python";
  }
  const test::TempFolder folder;
  write_safetensors(folder / "ours", known_tensors(), kMetadata);
  const auto check = test::run_python("tests/checkpoint/safetensors_reference.py", {"check", folder / "ours"});
  EXPECT_EQ(check.exit_code, 0) << check.errors;
  const auto write = test::run_python("tests/checkpoint/safetensors_reference.py", {"write", folder / "theirs"});
  ASSERT_EQ(write.exit_code, 0) << write.errors;
  expect_known(read_safetensors(folder / "theirs"));
}

std::string little_endian(std::uint64_t value) { return {reinterpret_cast<const char*>(&value), sizeof(value)}; }

std::string with_header(const std::string& header, std::size_t data_bytes) {
  return little_endian(header.size()) + header + std::string(data_bytes, '\0');
}

std::string entry(const std::string& shape, const std::string& offsets, const std::string& dtype = "F32") {
  return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

struct BrokenCase {
  std::string name;
  std::string content;
};

class BrokenSafetensors : public testing::TestWithParam<BrokenCase> {};

TEST_P(BrokenSafetensors, IsADataErrorWithTheFilesName) {
  const test::TempFolder folder;
  write_file_atomically(folder / "some.safetensors", std::string_view(GetParam().content));
  try {
    read_safetensors(folder / "some.safetensors");
    FAIL() << "was read";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("some.safetensors"), std::string::npos) << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Files, BrokenSafetensors,
    testing::Values(
        BrokenCase{"Empty", ""}, BrokenCase{"TooShort", "abc"},
        BrokenCase{"AbsurdHeaderLength", little_endian(~std::uint64_t{0}) + "{}"},
        BrokenCase{"HeaderBeyondTheFile", little_endian(100) + "{}"}, BrokenCase{"NotJson", with_header(R"({"a":)", 0)},
        BrokenCase{"NotAnObject", with_header("[]", 0)}, BrokenCase{"NotText", with_header("\xff\xfe\x80", 0)},
        BrokenCase{"NestedDeeply", with_header(std::string(100000, '['), 0)},
        BrokenCase{"EntryIsNoTable", with_header(R"({"a":3})", 0)},
        BrokenCase{"NoShape", with_header(R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", 4)},
        BrokenCase{"NegativeShape", with_header(R"({"a":)" + entry("[-1]", "[0,4]") + "}", 4)},
        BrokenCase{"FractionalShape", with_header(R"({"a":)" + entry("[1.0]", "[0,4]") + "}", 4)},
        BrokenCase{"UnknownType", with_header(R"({"a":)" + entry("[1]", "[0,4]", "C64") + "}", 4)},
        BrokenCase{"ThreeOffsets", with_header(R"({"a":)" + entry("[1]", "[0,4,8]") + "}", 8)},
        BrokenCase{"BackwardOffsets", with_header(R"({"a":)" + entry("[1]", "[4,0]") + "}", 4)},
        BrokenCase{"OffsetsBeyondTheFile", with_header(R"({"a":)" + entry("[2]", "[0,8]") + "}", 4)},
        BrokenCase{"SizeUnlikeShape", with_header(R"({"a":)" + entry("[2]", "[0,4]") + "}", 4)},
        BrokenCase{"ShapeThatOverflows", with_header(R"({"a":)" + entry("[4294967296,4294967296]", "[0,0]") + "}", 0)},
        BrokenCase{"HugeShapeBehindAZero",
                   with_header(R"({"a":)" + entry("[0,9223372036854775807,9223372036854775807]", "[0,0]") + "}", 0)},
        BrokenCase{"LengthBeyond64Bits", with_header(R"({"a":)" + entry("[18446744073709551615]", "[0,4]") + "}", 4)},
        BrokenCase{"Overlap",
                   with_header(R"({"a":)" + entry("[2]", "[0,8]") + R"(,"b":)" + entry("[2]", "[4,12]") + "}", 12)},
        BrokenCase{"Gap",
                   with_header(R"({"a":)" + entry("[1]", "[0,4]") + R"(,"b":)" + entry("[1]", "[8,12]") + "}", 12)},
        BrokenCase{"BytesLeftOver", with_header(R"({"a":)" + entry("[1]", "[0,4]") + "}", 5)},
        BrokenCase{"SameNameTwice",
                   with_header(R"({"a":)" + entry("[1]", "[0,4]") + R"(,"a":)" + entry("[1]", "[0,4]") + "}", 4)},
        BrokenCase{"MetadataOfNumbers", with_header(R"({"__metadata__":{"a":1}})", 0)}),
    [](const auto& broken) { return broken.param.name; });

TEST(Safetensors, CutAnywhereAreADataError) {
  const test::TempFolder folder;
  write_safetensors(folder / "whole", known_tensors(), kMetadata);
  const std::string whole = read_text(folder / "whole");
  for (std::size_t length = 0; length < whole.size(); length += 41) {
    write_file_atomically(folder / "cut", std::string_view(whole).substr(0, length));
    EXPECT_THROW(read_safetensors(folder / "cut"), DataError) << length;
  }
}

TEST(Safetensors, MissingIsADataError) { EXPECT_THROW(read_safetensors("/nowhere/file"), DataError); }

}  // namespace
}  // namespace lockstep::checkpoint::safetensors_test
