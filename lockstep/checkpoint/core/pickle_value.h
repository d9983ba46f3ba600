#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// What a pickle of PyTorch holds, as data: nothing of it runs.
namespace lockstep::checkpoint {

/// Of the numbers in a tensor.
enum class ElementType { kDouble, kFloat, kHalf, kBFloat16, kLong, kInt, kShort, kChar, kByte, kBool };

/// The size of one, in bytes.
std::size_t bytes_of(ElementType type);

struct PickleValue;
struct PickleGlobal;

/// Numbers that lie one behind the other, under a key of their own.
struct StoredNumbers {
  ElementType type{};
  std::string_view key;
  std::int64_t count = 0;

  bool operator==(const StoredNumbers&) const = default;
};

/// A view of such numbers that lies inside of them.
struct StoredTensor {
  StoredNumbers numbers;
  std::int64_t offset = 0;  ///< in elements, as the strides
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
};

struct PickleNone {};
struct PickleOpaque {};  ///< something that is known and of no use here, such as the arguments of a script
struct PickleList {
  std::vector<const PickleValue*> items;
};
struct PickleTuple {
  std::vector<const PickleValue*> items;
};
struct PickleTable {
  std::vector<std::pair<const PickleValue*, const PickleValue*>> entries;  ///< key and value, in the file's order
};

struct PickleValue {
  std::variant<PickleNone, PickleOpaque, bool, std::int64_t, double, std::string_view, PickleList, PickleTuple,
               PickleTable, const PickleGlobal*, StoredNumbers, StoredTensor>
      content;

  template <typename T>
  const T* as() const {
    return std::get_if<T>(&content);
  }
};

}  // namespace lockstep::checkpoint
