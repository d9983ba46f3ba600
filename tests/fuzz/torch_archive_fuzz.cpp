// The bytes are a file of torch.save. The numbers of every tensor in it are read.

#include <cstdint>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/checkpoint/core/torch_archive.h"

namespace lockstep::fuzz {
namespace {

void read_as_archive(std::span<const std::byte> bytes) {
  try {
    const checkpoint::TorchArchive archive(bytes, "fuzz.pth");
    for (const auto& [name, tensor] : archive.tensors()) {
      const auto count = static_cast<std::size_t>(tensor.numbers.count) * checkpoint::bytes_of(tensor.numbers.type);
      LOCKSTEP_ASSERT(count <= bytes.size(), "more numbers than the file has");
      std::vector<std::byte> numbers(count);
      archive.read(tensor.numbers, numbers);
    }
  } catch (const DataError&) {
  }
}

}  // namespace
}  // namespace lockstep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  lockstep::fuzz::read_as_archive({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
