#include "lockstep/data/dataset.h"

#include "lockstep/base/error.h"

namespace lockstep::data {

std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::kUInt8:
      return sizeof(std::uint8_t);
    case DType::kUInt16:
      return sizeof(std::uint16_t);
    case DType::kInt64:
      return sizeof(std::int64_t);
    case DType::kFloat32:
      return sizeof(float);
  }
  LOCKSTEP_ASSERT(false, "unknown type of a field");
  return 0;
}

std::size_t Field::bytes() const {
  std::size_t count = 1;
  for (const std::int64_t length : shape) {
    count *= static_cast<std::size_t>(length);
  }
  return count * size_of(dtype);
}

FieldSpans::FieldSpans(std::initializer_list<std::span<std::byte>> spans) {
  for (const std::span<std::byte> span : spans) {
    push_back(span);
  }
}

void FieldSpans::push_back(std::span<std::byte> span) {
  LOCKSTEP_ASSERT(count_ < kMost, "a sample has too many fields");
  spans_[count_++] = span;
}

}  // namespace lockstep::data
