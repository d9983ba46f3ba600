#include "lockstep/checkpoint/core/pickle_literals.h"

#include <charconv>

namespace lockstep::checkpoint {
namespace {

bool push_constant(char operation, PickleReader& reader, PickleStack& stack) {
  switch (operation) {
    case '\x80':  // protocol
      reader.take(1);
      return true;
    case '\x95':  // a frame begins
      reader.take(8);
      return true;
    case 'N':
      stack.push({PickleNone{}});
      return true;
    case '\x88':
      stack.push({true});
      return true;
    case '\x89':
      stack.push({false});
      return true;
    case ']':
      stack.push({PickleList{}});
      return true;
    case '}':
      stack.push({PickleTable{}});
      return true;
    case ')':
      stack.push({PickleTuple{}});
      return true;
    case '\x8f':  // an empty set
      stack.push({PickleOpaque{}});
      return true;
    default:
      return false;
  }
}

/// The lowest byte first, with a sign. What has no room in 64 bits is no length.
void push_long(std::string_view bytes, PickleStack& stack) {
  if (bytes.size() > sizeof(std::int64_t)) {
    stack.push({PickleOpaque{}});
    return;
  }
  std::uint64_t value = !bytes.empty() && (bytes.back() & 0x80) != 0 ? ~std::uint64_t{0} : 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  stack.push({static_cast<std::int64_t>(value)});
}

void push_line_of_digits(std::string_view line, PickleStack& stack) {
  if (line == "00" || line == "01") {  // how protocol 0 writes False and True
    stack.push({line == "01"});
    return;
  }
  line = line.substr(0, line.find_last_not_of('L') + 1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  stack.push(error == std::errc() && end == line.data() + line.size() ? PickleValue{value}
                                                                      : PickleValue{PickleOpaque{}});
}

bool push_number(char operation, PickleReader& reader, PickleStack& stack) {
  switch (operation) {
    case 'K':
      stack.push({static_cast<std::int64_t>(reader.number(1))});
      return true;
    case 'M':
      stack.push({static_cast<std::int64_t>(reader.number(2))});
      return true;
    case 'J':
      stack.push({static_cast<std::int64_t>(static_cast<std::int32_t>(reader.number(4)))});
      return true;
    case '\x8a':
      push_long(reader.counted(1), stack);
      return true;
    case '\x8b':
      push_long(reader.counted(4), stack);
      return true;
    case 'I':
    case 'L':
      push_line_of_digits(reader.line(), stack);
      return true;
    case 'G':
      stack.push({reader.real()});
      return true;
    case 'F':
      reader.line();
      stack.push({PickleOpaque{}});
      return true;
    default:
      return false;
  }
}

bool push_text(char operation, PickleReader& reader, PickleStack& stack) {
  switch (operation) {
    case 'X':  // unicode
    case 'T':  // Python 2's strings
      stack.push({reader.counted(4)});
      return true;
    case '\x8c':
    case 'U':
      stack.push({reader.counted(1)});
      return true;
    case '\x8d':
      stack.push({reader.counted(8)});
      return true;
    case 'V':
      stack.push({reader.line()});
      return true;
    case 'S': {
      const std::string_view quoted = reader.line();
      stack.push({quoted.size() < 2 ? quoted : quoted.substr(1, quoted.size() - 2)});
      return true;
    }
    case 'C':  // bytes
    case 'B':
    case '\x8e':
    case '\x96':
      reader.counted(operation == 'C' ? 1 : operation == 'B' ? 4 : 8);
      stack.push({PickleOpaque{}});
      return true;
    default:
      return false;
  }
}

}  // namespace

bool push_literal(char operation, PickleReader& reader, PickleStack& stack) {
  return push_constant(operation, reader, stack) || push_number(operation, reader, stack) ||
         push_text(operation, reader, stack);
}

}  // namespace lockstep::checkpoint
