#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "lockstep/checkpoint/core/pickle_value.h"

namespace lockstep::checkpoint {

/// The memory of the machine that a pickle is a program for: a stack with marks in it, and a memo of values that are
/// wanted again. All throw std::invalid_argument, with the problem in words, for what is not there, and where the
/// pickle has more parts than any file of weights.
class PickleStack {
 public:
  /// `values` is where the values are.
  explicit PickleStack(std::deque<PickleValue>& values) : values_(values) {}

  void push(PickleValue value);
  void push_again(PickleValue* value) { stack_.push_back(value); }
  PickleValue* top() const;
  PickleValue* pop();

  /// The topmost ones, the lowest of them first.
  std::vector<const PickleValue*> pop_some(std::size_t count);

  void mark() { marks_.push_back(stack_.size()); }

  /// All above the last mark, which is gone then.
  std::vector<const PickleValue*> pop_to_mark();

  /// Takes off a value, or a mark without values above it.
  void discard();

  /// Keeps the top in the memo, under a number or the next one that is free.
  void remember(std::uint64_t place);
  void remember_next() { remember(memo_.size()); }
  void recall(std::uint64_t place);

  /// Counts what a value takes beside itself.
  void count_parts(std::size_t count);

 private:
  std::deque<PickleValue>& values_;
  std::size_t parts_ = 0;
  std::vector<PickleValue*> stack_;
  std::vector<std::size_t> marks_;              ///< how high the stack was
  std::map<std::uint64_t, PickleValue*> memo_;  ///< no hash, which a hostile file could make slow
};

}  // namespace lockstep::checkpoint
