#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <string>

#include "lockstep/base/error.h"
#include "lockstep/checkpoint/core/pickle_value.h"

namespace lockstep::checkpoint {

/// A pickle larger than this holds more than the names and shapes of weights, in bytes.
inline constexpr std::size_t kMostPickleBytes = 32U << 20;

/// What a pickle (https://docs.python.org/3/library/pickletools.html, protocols 0 to 5) holds of tables, lists,
/// numbers, texts and PyTorch's tensors. A name of Python's that has no business among weights is refused and named;
/// nothing that a pickle asks for is ever run. Time and memory are bounded by its size.
class Pickle {
 public:
  /// `bytes` must stay where they are; `source` is for the messages. Throws DataError, naming the source, for a pickle
  /// that is broken, that names what it has no use for, or is too large.
  Pickle(std::span<const std::byte> bytes, const std::string& source);

  const PickleValue& root() const { return *root_; }

 private:
  std::deque<PickleValue> values_;  ///< all of them: what they point to, be it in a circle, stays and goes with them
  const PickleValue* root_ = nullptr;
};

/// What to throw for a file of which PyTorch's save would not have made this.
DataError broken_torch_file(const std::string& source, const std::string& problem);

}  // namespace lockstep::checkpoint
