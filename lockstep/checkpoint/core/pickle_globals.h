#pragma once

#include <span>
#include <string>
#include <string_view>

#include "lockstep/checkpoint/core/pickle_value.h"

/// The names of Python's functions and classes that a file of weights has a use for. What they do there is done here,
/// on data; the functions themselves are nowhere to be found.
namespace lockstep::checkpoint {

enum class GlobalRole {
  kNumbers,           ///< a class of storage, such as torch.FloatStorage
  kTable,             ///< a class that is a dict
  kRebuildTensor,     ///< (numbers, offset, shape, strides, …)
  kRebuildParameter,  ///< (tensor, …)
  kRebuildFromType,   ///< (function, type, its arguments, …)
  kOpaque,            ///< a class or function whose result is of no use here
};

struct PickleGlobal {
  std::string_view name;  ///< "torch._utils._rebuild_tensor_v2"
  GlobalRole role{};
  ElementType type{};  ///< kNumbers
};

/// Null for every name that is not one of those.
const PickleGlobal* find_pickle_global(std::string_view module, std::string_view name);

/// What a call of it with these arguments gives. Throws std::invalid_argument, with the problem in words, where they do
/// not fit: a tensor that reaches out of its numbers, strides below 0, a shape of more elements than 2^63 - 1.
PickleValue call_pickle_global(const PickleGlobal& global, std::span<const PickleValue* const> arguments);

/// What the tuple of a persistent name stands for: ('storage', class, key, place, count). Throws as above.
StoredNumbers stored_numbers(const PickleValue& name);

}  // namespace lockstep::checkpoint
