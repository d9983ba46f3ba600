#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace lockstep::metrics {

/// A set of numbers 0 … size - 1 to which numbers are added modulo 2, and whose largest is found at once: a column of a
/// matrix over Z/2 while it is reduced. A tree of bits, 64 children a node, after Bauer, Kerber, Reininghaus and
/// Wagner, "PHAT: persistent homology algorithms toolbox", 2017.
class ParityColumn {
 public:
  explicit ParityColumn(std::size_t size) {
    do {
      size = (size + kBits - 1) / kBits;
      levels_.emplace_back(size, 0);
    } while (size > 1);
  }

  /// Puts a number in, or takes it out where it is in.
  void flip(std::size_t number) {
    for (std::vector<std::uint64_t>& level : levels_) {
      std::uint64_t& word = level[number / kBits];
      const bool was_empty = word == 0;
      word ^= std::uint64_t{1} << (number % kBits);
      if (was_empty == (word == 0)) {
        return;
      }
      number /= kBits;
    }
  }

  /// The largest number; none where the set is empty.
  std::optional<std::size_t> largest() const {
    if (levels_.back().front() == 0) {
      return std::nullopt;
    }
    std::size_t number = 0;
    for (std::size_t level = levels_.size(); level-- > 0;) {
      number = number * kBits + static_cast<std::size_t>(std::bit_width(levels_[level][number]) - 1);
    }
    return number;
  }

  /// Takes everything out, the largest first.
  std::vector<std::uint32_t> take_all() {
    std::vector<std::uint32_t> numbers;
    for (std::optional<std::size_t> number = largest(); number; number = largest()) {
      numbers.push_back(static_cast<std::uint32_t>(*number));
      flip(*number);
    }
    return numbers;
  }

 private:
  static constexpr std::size_t kBits = 64;

  std::vector<std::vector<std::uint64_t>> levels_;  ///< a bit says whether its word one level below has any
};

}  // namespace lockstep::metrics
