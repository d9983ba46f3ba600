#include "lockstep/checkpoint/weights_file.h"

#include <fstream>
#include <map>
#include <string_view>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/checkpoint/core/torch_archive.h"

namespace lockstep::checkpoint {
namespace {

constexpr std::string_view kBeginOfZip = "PK";

/// The first bytes of a file; fewer where it is shorter.
std::string begin_of(const std::filesystem::path& path) {
  constexpr std::size_t kEnough = 4;
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path)) {
    throw DataError(text("cannot read weights from '", path.string(), "'"),
                    "check the path and its permissions; it takes a file of safetensors or of PyTorch's save");
  }
  std::string begin(kEnough, '\0');
  file.read(begin.data(), kEnough);
  begin.resize(static_cast<std::size_t>(file.gcount()));
  return begin;
}

/// A pickle that is in no archive. A safetensors file, which begins with the length of its header, begins so only where
/// that is 9.7 MB or more: tens of thousands of tensors.
bool is_bare_pickle(const std::string& begin) {
  constexpr char kFrame = '\x95';
  constexpr std::string_view kLongNumber = "\x8a\x0a";  // PyTorch's magic one
  return begin.size() == 4 && begin[0] == '\x80' && (begin[2] == kFrame || begin.substr(2) == kLongNumber);
}

at::ScalarType scalar_type(ElementType type) {
  switch (type) {
    case ElementType::kDouble:
      return at::kDouble;
    case ElementType::kFloat:
      return at::kFloat;
    case ElementType::kHalf:
      return at::kHalf;
    case ElementType::kBFloat16:
      return at::kBFloat16;
    case ElementType::kLong:
      return at::kLong;
    case ElementType::kInt:
      return at::kInt;
    case ElementType::kShort:
      return at::kShort;
    case ElementType::kChar:
      return at::kChar;
    case ElementType::kByte:
      return at::kByte;
    case ElementType::kBool:
      return at::kBool;
  }
  LOCKSTEP_ASSERT(false, "unknown element type");
}

at::Tensor read_numbers(const TorchArchive& archive, const StoredNumbers& numbers) {
  // Any byte may stand for a bool in a file; in memory only 0 and 1 may.
  const bool is_bool = numbers.type == ElementType::kBool;
  const at::Tensor tensor = at::empty({numbers.count}, is_bool ? at::kByte : scalar_type(numbers.type));
  archive.read(numbers, {static_cast<std::byte*>(tensor.data_ptr()), tensor.nbytes()});
  return is_bool ? tensor.to(at::kBool) : tensor;
}

WeightsFile read_torch_file(const std::filesystem::path& path) {
  const TorchArchive archive(path);
  WeightsFile file{path, {}, archive.part(), archive.epoch()};
  std::map<std::string_view, at::Tensor> by_key;  // views of the same numbers share them
  for (const auto& [name, tensor] : archive.tensors()) {
    auto& numbers = by_key[tensor.numbers.key];
    if (!numbers.defined()) {
      numbers = read_numbers(archive, tensor.numbers);
    }
    file.tensors.emplace_back(name, numbers.as_strided(tensor.shape, tensor.strides, tensor.offset));
  }
  return file;
}

}  // namespace

std::string WeightsFile::name() const {
  return part.empty() ? path.string() : text(path.string(), ", its '", part, "'");
}

WeightsFile read_weights_file(const std::filesystem::path& path) {
  const std::string begin = begin_of(path);
  if (begin.starts_with(kBeginOfZip)) {
    return read_torch_file(path);
  }
  if (is_bare_pickle(begin)) {
    throw DataError(text("'", path.string(), "' is of PyTorch's format before version 1.6, which is not read"),
                    "save it anew in Python: torch.save(torch.load(FILE, weights_only=True), OTHER_FILE)");
  }
  return {path, read_safetensors(path).tensors, "", std::nullopt};
}

}  // namespace lockstep::checkpoint
