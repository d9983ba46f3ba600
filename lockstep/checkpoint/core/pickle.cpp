#include "lockstep/checkpoint/core/pickle.h"

#include <charconv>
#include <stdexcept>

#include "lockstep/base/printable.h"
#include "lockstep/base/text.h"
#include "lockstep/checkpoint/core/pickle_globals.h"
#include "lockstep/checkpoint/core/pickle_literals.h"
#include "lockstep/checkpoint/core/pickle_reader.h"
#include "lockstep/checkpoint/core/pickle_stack.h"

namespace lockstep::checkpoint {
namespace {

/// The machine that a pickle is a program for.
class Unpickler {
 public:
  Unpickler(std::span<const std::byte> bytes, const std::string& source, std::deque<PickleValue>& values)
      : reader_(bytes), source_(source), stack_(values) {}

  const PickleValue* run() {
    while (true) {
      const auto operation = static_cast<char>(reader_.number(1));
      if (operation == '.') {
        return stack_.pop();
      }
      if (!push_literal(operation, reader_, stack_) && !collect(operation) && !remember(operation) &&
          !call(operation)) {
        throw std::invalid_argument(text("operation ", static_cast<int>(static_cast<unsigned char>(operation)),
                                         ", which a file of weights has no use for"));
      }
    }
  }

 private:
  bool collect(char operation) {
    switch (operation) {
      case '(':
        stack_.mark();
        return true;
      case 't':
        stack_.push({PickleTuple{stack_.pop_to_mark()}});
        return true;
      case '\x85':
      case '\x86':
      case '\x87':
        stack_.push(
            {PickleTuple{stack_.pop_some(static_cast<std::size_t>(static_cast<unsigned char>(operation)) - 0x84U)}});
        return true;
      case 'l':
        stack_.push({PickleList{stack_.pop_to_mark()}});
        return true;
      case 'd': {
        const auto items = stack_.pop_to_mark();
        stack_.push({PickleTable{}});
        set_items(items);
        return true;
      }
      case 'a':
        append(stack_.pop_some(1));
        return true;
      case 'e':
      case '\x90':  // to a set
        append(stack_.pop_to_mark());
        return true;
      case '\x91':  // a set that stays as it is
        stack_.pop_to_mark();
        stack_.push({PickleOpaque{}});
        return true;
      case 's':
        set_items(stack_.pop_some(2));
        return true;
      case 'u':
        set_items(stack_.pop_to_mark());
        return true;
      default:
        return false;
    }
  }

  void append(const std::vector<const PickleValue*>& items) {
    PickleValue* to = stack_.top();
    if (auto* list = std::get_if<PickleList>(&to->content)) {
      list->items.insert(list->items.end(), items.begin(), items.end());
    } else if (to->as<PickleOpaque>() == nullptr) {
      throw std::invalid_argument("something that is added to what is no list");
    }
  }

  void set_items(const std::vector<const PickleValue*>& items) {
    PickleValue* to = stack_.top();
    auto* table = std::get_if<PickleTable>(&to->content);
    if (items.size() % 2 != 0 || (table == nullptr && to->as<PickleOpaque>() == nullptr)) {
      throw std::invalid_argument("entries of what is no table");
    }
    for (std::size_t i = 0; table != nullptr && i < items.size(); i += 2) {
      table->entries.emplace_back(items[i], items[i + 1]);
    }
  }

  bool remember(char operation) {
    switch (operation) {
      case 'q':
        stack_.remember(reader_.number(1));
        return true;
      case 'r':
        stack_.remember(reader_.number(4));
        return true;
      case '\x94':
        stack_.remember_next();
        return true;
      case 'p':
        stack_.remember(number_in(reader_.line()));
        return true;
      case 'h':
        stack_.recall(reader_.number(1));
        return true;
      case 'j':
        stack_.recall(reader_.number(4));
        return true;
      case 'g':
        stack_.recall(number_in(reader_.line()));
        return true;
      case '0':
        stack_.discard();
        return true;
      case '1':
        stack_.pop_to_mark();
        return true;
      case '2':
        stack_.push_again(stack_.top());
        return true;
      default:
        return false;
    }
  }

  static std::uint64_t number_in(std::string_view line) {
    std::uint64_t value = 0;
    if (std::from_chars(line.data(), line.data() + line.size(), value).ec != std::errc()) {
      throw std::invalid_argument("a place in the memo that is no number");
    }
    return value;
  }

  bool call(char operation) {
    switch (operation) {
      case 'c': {
        const std::string_view module = reader_.line();
        stack_.push({look_up(module, reader_.line())});
        return true;
      }
      case '\x93': {
        const auto names = stack_.pop_some(2);
        stack_.push({look_up(word(*names[0]), word(*names[1]))});
        return true;
      }
      case 'i': {
        const std::string_view module = reader_.line();
        const PickleGlobal* global = look_up(module, reader_.line());
        push_result(*global, stack_.pop_to_mark());
        return true;
      }
      case 'o': {
        const auto items = stack_.pop_to_mark();
        const PickleGlobal* global = global_in(items.empty() ? nullptr : items.front());
        push_result(*global, std::span(items).subspan(1));
        return true;
      }
      case 'R':
      case '\x81': {  // a new object of a class
        const auto items = stack_.pop_some(2);
        push_result(*global_in(items[0]), arguments_in(*items[1]));
        return true;
      }
      case '\x92': {  // the same with named arguments
        const auto items = stack_.pop_some(3);
        push_result(*global_in(items[0]), arguments_in(*items[1]));
        return true;
      }
      case 'b':  // what an object has beside its content: nothing of use
        stack_.pop();
        stack_.top();
        return true;
      case 'Q':
        stack_.push({stored_numbers(*stack_.pop())});
        return true;
      default:
        return false;
    }
  }

  const PickleGlobal* look_up(std::string_view module, std::string_view name) const {
    const PickleGlobal* global = find_pickle_global(module, name);
    if (global == nullptr) {
      throw DataError(
          text("'", source_, "' names '", printable(module), ".", printable(name),
               "', which a file of weights has no use for; nothing was run"),
          "in Python, save the weights alone: torch.save(model.state_dict(), FILE); do not open a file of a "
          "stranger's in another way");
    }
    return global;
  }

  static std::string_view word(const PickleValue& value) {
    const auto* found = value.as<std::string_view>();
    if (found == nullptr) {
      throw std::invalid_argument("a name that is no text");
    }
    return *found;
  }

  static const PickleGlobal* global_in(const PickleValue* value) {
    const auto* found = value == nullptr ? nullptr : value->as<const PickleGlobal*>();
    if (found == nullptr) {
      throw std::invalid_argument("a call of what is no function");
    }
    return *found;
  }

  static std::span<const PickleValue* const> arguments_in(const PickleValue& value) {
    const auto* tuple = value.as<PickleTuple>();
    if (tuple == nullptr) {
      throw std::invalid_argument("a call without arguments");
    }
    return tuple->items;
  }

  void push_result(const PickleGlobal& global, std::span<const PickleValue* const> arguments) {
    PickleValue result = call_pickle_global(global, arguments);
    if (const auto* table = result.as<PickleTable>()) {
      stack_.count_parts(table->entries.size());
    } else if (const auto* tensor = result.as<StoredTensor>()) {
      stack_.count_parts(tensor->shape.size());
    }
    stack_.push(std::move(result));
  }

  PickleReader reader_;
  const std::string& source_;
  PickleStack stack_;
};

}  // namespace

Pickle::Pickle(std::span<const std::byte> bytes, const std::string& source) {
  if (bytes.size() > kMostPickleBytes) {
    throw broken_torch_file(source, "a list of its content that is longer than any of weights");
  }
  try {
    root_ = Unpickler(bytes, source, values_).run();
  } catch (const std::invalid_argument& error) {
    throw broken_torch_file(source, error.what());
  }
}

DataError broken_torch_file(const std::string& source, const std::string& problem) {
  return DataError(text("'", source, "' is not what PyTorch's save writes: it has ", problem),
                   "copy or download it again, or save it anew in Python: torch.save(model.state_dict(), FILE)");
}

}  // namespace lockstep::checkpoint
