#include "lockstep/checkpoint/core/pickle_stack.h"

#include <stdexcept>

namespace lockstep::checkpoint {
namespace {

/// Values, places in the memo, lengths of tensors and entries of tables together; a checkpoint has some ten thousand.
constexpr std::size_t kMostPickleParts = 4'000'000;

}  // namespace

void PickleStack::push(PickleValue value) {
  count_parts(1);
  stack_.push_back(&values_.emplace_back(std::move(value)));
}

PickleValue* PickleStack::top() const {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) {
    throw std::invalid_argument("an operation on nothing");
  }
  return stack_.back();
}

PickleValue* PickleStack::pop() {
  PickleValue* value = top();
  stack_.pop_back();
  return value;
}

std::vector<const PickleValue*> PickleStack::pop_some(std::size_t count) {
  std::vector<const PickleValue*> items(count);
  for (std::size_t i = count; i-- > 0;) {
    items[i] = pop();
  }
  return items;
}

std::vector<const PickleValue*> PickleStack::pop_to_mark() {
  if (marks_.empty()) {
    throw std::invalid_argument("a mark that was never set");
  }
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<const PickleValue*> items(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return items;
}

void PickleStack::discard() {
  if (!marks_.empty() && marks_.back() == stack_.size()) {
    marks_.pop_back();
  } else {
    pop();
  }
}

void PickleStack::remember(std::uint64_t place) {
  count_parts(1);
  memo_[place] = top();
}

void PickleStack::recall(std::uint64_t place) {
  const auto found = memo_.find(place);
  if (found == memo_.end()) {
    throw std::invalid_argument("a place in the memo where nothing is");
  }
  push_again(found->second);
}

void PickleStack::count_parts(std::size_t count) {
  parts_ += count;
  if (parts_ > kMostPickleParts) {
    throw std::invalid_argument("more parts than any file of weights has");
  }
}

}  // namespace lockstep::checkpoint
