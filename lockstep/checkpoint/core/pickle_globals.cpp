#include "lockstep/checkpoint/core/pickle_globals.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "lockstep/base/text.h"

namespace lockstep::checkpoint {
namespace {

constexpr std::size_t kMostTensorDimensions = 64;  // what LibTorch can hold

constexpr PickleGlobal numbers_of(std::string_view name, ElementType type) {
  return {name, GlobalRole::kNumbers, type};
}

// Opaque are those that stand beside weights in many a checkpoint: the arguments of the script that wrote it, its best
// metric as a scalar of NumPy, what its scheduler keeps.
constexpr std::array kGlobals = {
    numbers_of("torch.DoubleStorage", ElementType::kDouble),
    numbers_of("torch.FloatStorage", ElementType::kFloat),
    numbers_of("torch.HalfStorage", ElementType::kHalf),
    numbers_of("torch.BFloat16Storage", ElementType::kBFloat16),
    numbers_of("torch.LongStorage", ElementType::kLong),
    numbers_of("torch.IntStorage", ElementType::kInt),
    numbers_of("torch.ShortStorage", ElementType::kShort),
    numbers_of("torch.CharStorage", ElementType::kChar),
    numbers_of("torch.ByteStorage", ElementType::kByte),
    numbers_of("torch.BoolStorage", ElementType::kBool),
    PickleGlobal{"torch._utils._rebuild_tensor_v2", GlobalRole::kRebuildTensor},
    PickleGlobal{"torch._utils._rebuild_tensor", GlobalRole::kRebuildTensor},
    PickleGlobal{"torch._utils._rebuild_parameter", GlobalRole::kRebuildParameter},
    PickleGlobal{"torch._utils._rebuild_parameter_with_state", GlobalRole::kRebuildParameter},
    PickleGlobal{"torch._tensor._rebuild_from_type_v2", GlobalRole::kRebuildFromType},
    PickleGlobal{"collections.OrderedDict", GlobalRole::kTable},
    PickleGlobal{"collections.defaultdict", GlobalRole::kTable},
    PickleGlobal{"collections.Counter", GlobalRole::kTable},
    PickleGlobal{"torch.Size", GlobalRole::kOpaque},
    PickleGlobal{"torch.Tensor", GlobalRole::kOpaque},
    PickleGlobal{"torch.device", GlobalRole::kOpaque},
    PickleGlobal{"torch.nn.parameter.Parameter", GlobalRole::kOpaque},
    PickleGlobal{"torch.float64", GlobalRole::kOpaque},
    PickleGlobal{"torch.float32", GlobalRole::kOpaque},
    PickleGlobal{"torch.float16", GlobalRole::kOpaque},
    PickleGlobal{"torch.bfloat16", GlobalRole::kOpaque},
    PickleGlobal{"torch.int64", GlobalRole::kOpaque},
    PickleGlobal{"torch.serialization._get_layout", GlobalRole::kOpaque},
    PickleGlobal{"__builtin__.set", GlobalRole::kOpaque},
    PickleGlobal{"__builtin__.list", GlobalRole::kOpaque},
    PickleGlobal{"__builtin__.dict", GlobalRole::kOpaque},
    PickleGlobal{"__builtin__.int", GlobalRole::kOpaque},
    PickleGlobal{"__builtin__.float", GlobalRole::kOpaque},
    PickleGlobal{"__builtin__.bytearray", GlobalRole::kOpaque},
    PickleGlobal{"_codecs.encode", GlobalRole::kOpaque},
    PickleGlobal{"argparse.Namespace", GlobalRole::kOpaque},
    PickleGlobal{"pathlib.Path", GlobalRole::kOpaque},
    PickleGlobal{"pathlib.PosixPath", GlobalRole::kOpaque},
    PickleGlobal{"pathlib._local.PosixPath", GlobalRole::kOpaque},
    PickleGlobal{"numpy.dtype", GlobalRole::kOpaque},
    PickleGlobal{"numpy.ndarray", GlobalRole::kOpaque},
    PickleGlobal{"numpy.core.multiarray.scalar", GlobalRole::kOpaque},
    PickleGlobal{"numpy.core.multiarray._reconstruct", GlobalRole::kOpaque},
    PickleGlobal{"numpy._core.multiarray.scalar", GlobalRole::kOpaque},
    PickleGlobal{"numpy._core.multiarray._reconstruct", GlobalRole::kOpaque},
};

template <typename T>
const T& argument(std::span<const PickleValue* const> arguments, std::size_t index, const char* what) {
  const T* found = index < arguments.size() ? arguments[index]->as<T>() : nullptr;
  if (found == nullptr) {
    throw std::invalid_argument(what);
  }
  return *found;
}

std::vector<std::int64_t> lengths(const PickleTuple& tuple, const char* what) {
  std::vector<std::int64_t> numbers;
  for (const PickleValue* item : tuple.items) {
    const auto* number = item->as<std::int64_t>();
    if (number == nullptr || *number < 0 || numbers.size() == kMostTensorDimensions) {
      throw std::invalid_argument(what);
    }
    numbers.push_back(*number);
  }
  return numbers;
}

/// The tensor's last element lies inside of the numbers, and its elements can be counted.
void check_bounds(const StoredTensor& tensor) {
  std::int64_t elements = 1;
  std::int64_t last = tensor.offset;
  bool overflows = false;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    const std::int64_t length = tensor.shape[i];
    std::int64_t reach = 0;
    overflows |= __builtin_mul_overflow(std::max<std::int64_t>(length, 1), elements, &elements);
    overflows |= __builtin_mul_overflow(std::max<std::int64_t>(length, 1) - 1, tensor.strides[i], &reach);
    overflows |= __builtin_add_overflow(last, reach, &last);
  }
  const bool is_empty = std::ranges::count(tensor.shape, 0) > 0;
  if (overflows || (is_empty ? tensor.offset > tensor.numbers.count : last >= tensor.numbers.count)) {
    throw std::invalid_argument("a tensor that reaches out of its storage");
  }
}

StoredTensor rebuild_tensor(std::span<const PickleValue* const> arguments) {
  constexpr const char* kProblem = "a tensor that is not described as PyTorch does";
  StoredTensor tensor{argument<StoredNumbers>(arguments, 0, kProblem), argument<std::int64_t>(arguments, 1, kProblem),
                      lengths(argument<PickleTuple>(arguments, 2, kProblem), "a tensor with an impossible shape"),
                      lengths(argument<PickleTuple>(arguments, 3, kProblem), "a tensor with impossible strides")};
  if (tensor.offset < 0 || tensor.shape.size() != tensor.strides.size()) {
    throw std::invalid_argument(kProblem);
  }
  check_bounds(tensor);
  return tensor;
}

/// OrderedDict() and OrderedDict([(key, value), …]); whatever else such a class takes holds no tensors.
PickleTable make_table(std::span<const PickleValue* const> arguments) {
  PickleTable table;
  if (arguments.empty()) {
    return table;
  }
  if (const auto* other = arguments.front()->as<PickleTable>()) {
    return *other;
  }
  if (const auto* list = arguments.front()->as<PickleList>()) {
    for (const PickleValue* item : list->items) {
      const auto* pair = item->as<PickleTuple>();
      const auto* pair_as_list = item->as<PickleList>();
      const auto* both = pair != nullptr ? &pair->items : pair_as_list != nullptr ? &pair_as_list->items : nullptr;
      if (both == nullptr || both->size() != 2) {
        throw std::invalid_argument("a table that is not made of pairs");
      }
      table.entries.emplace_back(both->front(), both->back());
    }
  }
  return table;
}

}  // namespace

std::size_t bytes_of(ElementType type) {
  switch (type) {
    case ElementType::kDouble:
    case ElementType::kLong:
      return 8;
    case ElementType::kFloat:
    case ElementType::kInt:
      return 4;
    case ElementType::kHalf:
    case ElementType::kBFloat16:
    case ElementType::kShort:
      return 2;
    case ElementType::kChar:
    case ElementType::kByte:
    case ElementType::kBool:
      return 1;
  }
  return 1;
}

const PickleGlobal* find_pickle_global(std::string_view module, std::string_view name) {
  const std::string_view of_python2 = module == "builtins" ? "__builtin__" : module;
  const std::string full = text(of_python2, ".", name);
  const auto found = std::ranges::find(kGlobals, full, &PickleGlobal::name);
  return found == kGlobals.end() ? nullptr : &*found;
}

PickleValue call_pickle_global(const PickleGlobal& global, std::span<const PickleValue* const> arguments) {
  switch (global.role) {
    case GlobalRole::kTable:
      return {make_table(arguments)};
    case GlobalRole::kRebuildTensor:
      return {rebuild_tensor(arguments)};
    case GlobalRole::kRebuildParameter:
      return {argument<StoredTensor>(arguments, 0, "a parameter that is no tensor")};
    case GlobalRole::kRebuildFromType: {
      constexpr const char* kProblem = "a tensor of a type that is not described as PyTorch does";
      const PickleGlobal* inner = argument<const PickleGlobal*>(arguments, 0, kProblem);
      if (inner->role != GlobalRole::kRebuildTensor && inner->role != GlobalRole::kRebuildParameter) {
        throw std::invalid_argument(kProblem);  // not itself: calls would lie in each other without end
      }
      return call_pickle_global(*inner, argument<PickleTuple>(arguments, 2, kProblem).items);
    }
    case GlobalRole::kOpaque:
      return {PickleOpaque{}};
    case GlobalRole::kNumbers:
      break;
  }
  throw std::invalid_argument(text("a call of '", global.name, "'"));
}

StoredNumbers stored_numbers(const PickleValue& name) {
  constexpr const char* kProblem = "a storage that is not described as PyTorch does";
  const auto* tuple = name.as<PickleTuple>();
  if (tuple == nullptr || tuple->items.size() < 5 ||
      argument<std::string_view>(tuple->items, 0, kProblem) != "storage") {
    throw std::invalid_argument(kProblem);
  }
  const PickleGlobal* type = argument<const PickleGlobal*>(tuple->items, 1, kProblem);
  const std::int64_t count = argument<std::int64_t>(tuple->items, 4, kProblem);
  if (type->role != GlobalRole::kNumbers || count < 0) {
    throw std::invalid_argument(kProblem);
  }
  return {type->type, argument<std::string_view>(tuple->items, 2, kProblem), count};
}

}  // namespace lockstep::checkpoint
