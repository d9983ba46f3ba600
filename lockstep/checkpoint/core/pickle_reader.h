#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string_view>

namespace lockstep::checkpoint {

/// Takes numbers and texts off the front of some bytes. Throws std::invalid_argument where they end before.
class PickleReader {
 public:
  explicit PickleReader(std::span<const std::byte> bytes) : rest_(bytes) {}

  std::string_view take(std::uint64_t count) {
    if (count > rest_.size()) {
      throw std::invalid_argument("an end in the middle");
    }
    const std::string_view taken(reinterpret_cast<const char*>(rest_.data()), count);
    rest_ = rest_.subspan(count);
    return taken;
  }

  /// A number of `bytes` bytes, the lowest first.
  std::uint64_t number(std::size_t bytes) {
    std::uint64_t value = 0;
    const std::string_view taken = take(bytes);
    for (std::size_t i = 0; i < bytes; ++i) {
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(taken[i])) << (8 * i);
    }
    return value;
  }

  /// A text behind its length, which has so many bytes.
  std::string_view counted(std::size_t bytes_of_length) { return take(number(bytes_of_length)); }

  /// The text up to the end of the line.
  std::string_view line() {
    const std::string_view rest(reinterpret_cast<const char*>(rest_.data()), rest_.size());
    const std::size_t length = rest.find('\n');
    if (length == std::string_view::npos) {
      throw std::invalid_argument("an end in the middle");
    }
    return take(length + 1).substr(0, length);
  }

  double real() {  // the highest byte first, unlike all others
    std::uint64_t bits = 0;
    for (const char byte : take(sizeof bits)) {
      bits = bits << 8 | static_cast<unsigned char>(byte);
    }
    return std::bit_cast<double>(bits);
  }

 private:
  std::span<const std::byte> rest_;
};

}  // namespace lockstep::checkpoint
