// The bytes are a pickle. What is read of it as a tensor must lie inside of its numbers.

#include <cstdint>

#include "lockstep/base/error.h"
#include "lockstep/checkpoint/core/pickle.h"

namespace lockstep::fuzz {
namespace {

void check(const checkpoint::StoredTensor& tensor) {
  LOCKSTEP_ASSERT(tensor.shape.size() == tensor.strides.size(), "strides do not belong to the shape");
  std::int64_t last = tensor.offset;
  bool is_empty = false;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    LOCKSTEP_ASSERT(tensor.shape[i] >= 0 && tensor.strides[i] >= 0, "a length below 0");
    is_empty |= tensor.shape[i] == 0;
    last += tensor.shape[i] > 0 ? (tensor.shape[i] - 1) * tensor.strides[i] : 0;
  }
  LOCKSTEP_ASSERT(tensor.offset >= 0 && (is_empty || last < tensor.numbers.count), "a tensor out of its numbers");
}

void read_as_pickle(std::span<const std::byte> bytes) {
  try {
    const checkpoint::Pickle pickle(bytes, "fuzz.pth");
    const auto* table = pickle.root().as<checkpoint::PickleTable>();
    for (const auto& [key, value] : table == nullptr ? checkpoint::PickleTable{}.entries : table->entries) {
      if (const auto* tensor = value->as<checkpoint::StoredTensor>()) {
        check(*tensor);
      }
    }
  } catch (const DataError&) {
  }
}

}  // namespace
}  // namespace lockstep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  lockstep::fuzz::read_as_pickle({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
