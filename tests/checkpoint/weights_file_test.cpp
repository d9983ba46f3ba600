#include "lockstep/checkpoint/weights_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/text.h"
#include "tests/support/process.h"
#include "tests/support/stored_zip.h"
#include "tests/support/temp_folder.h"

namespace lockstep::checkpoint::weights_file_test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string refusal_of_file(const std::filesystem::path& path) {
  try {
    read_weights_file(path);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

void expect_same(const NamedTensors& found, const NamedTensors& expected) {
  const std::map<std::string, at::Tensor> by_name(found.begin(), found.end());
  EXPECT_EQ(by_name.size(), expected.size());
  for (const auto& [name, tensor] : expected) {
    ASSERT_TRUE(by_name.contains(name)) << name;
    EXPECT_EQ(by_name.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(at::equal(by_name.at(name), tensor)) << name;
  }
}

/// Files that PyTorch wrote.
class FilesOfPyTorch : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::python_has({"torch", "safetensors", "numpy"})) {
      GTEST_SKIP() << "needs Python with PyTorch and safetensors";
    }
    const auto made = test::run_python("tests/checkpoint/torch_save_reference.py", {folder_.path()});
    ASSERT_EQ(made.exit_code, 0) << made.errors;
  }

  std::filesystem::path refused(const std::string& name) const { return folder_ / "refused" / name; }

  test::TempFolder folder_;
};

TEST_F(FilesOfPyTorch, AreReadAsTheyWereWrittenOrRefusedWithTheReason) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    if (entry.path().extension() == ".pth") {
      SCOPED_TRACE(entry.path().filename());
      std::filesystem::path expected = entry.path();
      expect_same(read_weights_file(entry.path()).tensors,
                  read_safetensors(expected.replace_extension("safetensors")).tensors);
      ++files;
    }
  }
  EXPECT_EQ(files, 19);

  EXPECT_EQ(read_weights_file(folder_ / "state_dict.pth").part, "");
  EXPECT_EQ(read_weights_file(folder_ / "state_dict.pth").epoch, std::nullopt);
  const WeightsFile wrapped = read_weights_file(folder_ / "nested.pth");
  EXPECT_EQ(wrapped.part, "ema.state_dict");
  EXPECT_THAT(wrapped.name(), HasSubstr("nested.pth, its 'ema.state_dict'"));
  EXPECT_EQ(read_weights_file(folder_ / "checkpoint_of_a_script.pth").epoch, 7);

  EXPECT_THAT(refusal_of_file(refused("os.pth")),
              AllOf(HasSubstr("names 'posix.system'"), HasSubstr("nothing was run")));
  EXPECT_THAT(refusal_of_file(refused("eval.pth")), HasSubstr("names 'builtins.eval'"));
  EXPECT_THAT(refusal_of_file(refused("network.pth")), HasSubstr("names 'torch.nn.modules.container.Sequential'"));
  EXPECT_THAT(refusal_of_file(refused("old.pth")), AllOf(HasSubstr("before version 1.6"), HasSubstr("torch.save(")));
  EXPECT_THAT(refusal_of_file(refused("pickle.pth")), HasSubstr("torch.save("));
  EXPECT_THAT(refusal_of_file(refused("list.pth")), HasSubstr("holds no table of tensors"));
  EXPECT_THAT(refusal_of_file(refused("no_tensors.pth")), HasSubstr("it has 'epoch', 'lr'"));
  EXPECT_THAT(refusal_of_file(refused("program.pth")), HasSubstr("TorchScript"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "was_run"));
}

/// Archives as torch.save writes them, of one tensor of two float32.
class ATorchArchive : public testing::Test {
 protected:
  /// A table of one tensor of these dtype, key, count and length.
  static std::string pickle_of(const std::string& storage, const std::string& key, int count, int length) {
    return text("}(S'a'\nctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\n", storage, "\nS'", key,
                "'\nS'cpu'\nI", count, "\ntQI0\n(I", length, "\nt(I1\ntI00\n)tRu.");
  }

  std::filesystem::path write(const std::vector<std::pair<std::string, std::string>>& entries) const {
    test::write_zip(folder_ / "some.pth", entries);
    return folder_ / "some.pth";
  }

  std::string refusal_of(const std::vector<std::pair<std::string, std::string>>& entries) const {
    return refusal_of_file(write(entries));
  }

  const std::string pickle_ = pickle_of("FloatStorage", "0", 2, 2);
  const std::string numbers_ = std::string("\0\0\x80\x3f\0\0\0\x40", 8);  // 1, 2

 private:
  test::TempFolder folder_;
};

TEST_F(ATorchArchive, IsReadWithoutTheEntriesOfNewerVersions) {
  const WeightsFile file = read_weights_file(write({{"x/data.pkl", pickle_}, {"x/data/0", numbers_}}));
  expect_same(file.tensors, {{"a", at::tensor({1.0F, 2.0F})}});
}

TEST_F(ATorchArchive, AnyByteThatIsNot0IsTrue) {
  const WeightsFile file = read_weights_file(
      write({{"x/data.pkl", pickle_of("BoolStorage", "0", 3, 3)}, {"x/data/0", std::string("\0\1\x7f", 3)}}));
  EXPECT_EQ(file.tensors.front().second.sum().item<int>(), 2);
}

TEST_F(ATorchArchive, ThatDoesNotFitTogetherIsADataError) {
  EXPECT_THAT(refusal_of({{"x/data/0", numbers_}}), HasSubstr("no data.pkl"));
  EXPECT_THAT(refusal_of({{"data.pkl", pickle_}, {"data/0", numbers_}}), HasSubstr("no data.pkl"));
  EXPECT_THAT(refusal_of({{"x/data.pkl", pickle_}}), HasSubstr("not the 2 numbers of 'a', but 0 bytes"));
  EXPECT_THAT(refusal_of({{"x/data.pkl", pickle_}, {"x/data/0", "abcd"}}), HasSubstr("but 4 bytes"));
  EXPECT_THAT(refusal_of({{"x/data.pkl", pickle_}, {"x/data/0", numbers_ + "a"}}), HasSubstr("but 9 bytes"));
  EXPECT_THAT(refusal_of({{"x/data.pkl", pickle_}, {"x/data/0", numbers_}, {"x/byteorder", "big"}}),
              HasSubstr("byte order"));
  EXPECT_THAT(refusal_of({{"x/data.pkl", pickle_of("FloatStorage", "0", 2, 3)}, {"x/data/0", numbers_}}),
              HasSubstr("out of its storage"));
  EXPECT_THAT(refusal_of({{"x/data.pkl", pickle_of("FloatStorage", "../../0", 2, 2)}, {"x/data/0", numbers_}}),
              HasSubstr("but 0 bytes"));
  EXPECT_THAT(refusal_of({{"x/data.pkl", pickle_of("ComplexFloatStorage", "0", 1, 1)}, {"x/data/0", numbers_}}),
              HasSubstr("names 'torch.ComplexFloatStorage'"));
  std::string two_types = pickle_;
  two_types.replace(two_types.size() - 2, 2,
                    "S'b'\n" + pickle_of("IntStorage", "0", 2, 2).substr(7, std::string::npos));
  EXPECT_THAT(refusal_of({{"x/data.pkl", two_types}, {"x/data/0", numbers_}}), HasSubstr("in another way"));
}

TEST_F(ATorchArchive, CutAnywhereIsADataError) {
  const std::filesystem::path path = write({{"x/data.pkl", pickle_}, {"x/data/0", numbers_}});
  const std::string whole = read_text(path);
  for (std::size_t length = 0; length < whole.size(); length += 5) {
    write_file_atomically(path, std::string_view(whole).substr(0, length));
    EXPECT_THAT(refusal_of_file(path), HasSubstr("some.pth")) << length;
  }
}

TEST(WeightsFile, IsOneOfSafetensorsWhereItIsNoArchive) {
  const test::TempFolder folder;
  const NamedTensors tensors = {{"a", at::ones({3})}};
  write_safetensors(folder / "named.pth", tensors);
  expect_same(read_weights_file(folder / "named.pth").tensors, tensors);
  EXPECT_THAT(refusal_of_file(folder.path()), HasSubstr("cannot read weights"));
  EXPECT_THAT(refusal_of_file(folder / "none"), HasSubstr("cannot read weights"));
}

}  // namespace
}  // namespace lockstep::checkpoint::weights_file_test
