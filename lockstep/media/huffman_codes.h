#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

namespace lockstep::media {

/// What a Huffman code of a JPEG stands for: so many zeros, and a value of so many bits, which follow the code (ITU-T
/// T.81, F.1.2).
struct HuffmanSymbol {
  std::uint8_t code_bits = 0;
  std::uint8_t value_bits = 0;
  std::uint8_t step = 0;  ///< coefficients from the last value to this one, or one of those below

  int all_bits() const { return code_bits + value_bits; }
};

/// The value of so many bits at the head of `bits` (T.81, F.2.2.1): the lower half of the numbers of a length stand for
/// the negative ones. 0 of no bits.
inline int huffman_value(std::uint64_t bits, unsigned value_bits) {
  const auto number = static_cast<int>((bits >> 1U) >> (63U - value_bits));
  const auto negative = static_cast<int>((bits >> 63U) - 1);  // all bits or none
  return number - (negative & ((1 << value_bits) - 1));
}

/// A table of codes, made so that nearly every code takes one look-up.
class HuffmanCodes {
 public:
  /// Codes of the first coefficient of a block, or of the others.
  enum class Kind { kFirst, kOthers };

  static constexpr std::uint8_t kEndOfBlock = 128;  ///< a step: no value is left
  static constexpr std::uint8_t kNoSymbol = 64;     ///< a step: the code stands for nothing
  static constexpr int kMostCodeBits = 16;
  /// Where samples have 8 bits, a first coefficient changes by 11 bits at most, and the others have at most 10.
  static constexpr int kMostValueBits = 11;

  enum class Assigned { kAnew, kAsBefore, kNoCode };

  /// Takes libjpeg's table. A table that it has already costs a comparison; one whose lengths do not make a code it
  /// refuses (kNoCode).
  Assigned assign(const JHUFF_TBL& table, Kind kind);

  /// The symbol at the head of `bits`, the next bit of the file being the highest. No symbol where the code is not in
  /// the table, or where it is one that no picture with samples of 8 bits needs.
  HuffmanSymbol symbol_at(std::uint64_t bits) const {
    const HuffmanSymbol symbol = short_codes_[bits >> (64 - kShortBits)];
    return symbol.code_bits != 0 ? symbol : find(bits);
  }

 private:
  static constexpr int kShortBits = 9;

  HuffmanSymbol find(std::uint64_t bits) const;
  HuffmanSymbol symbol_of(std::uint8_t byte, int code_bits) const;
  bool make_limits();

  std::array<HuffmanSymbol, std::size_t{1} << kShortBits> short_codes_{};  // by the bits at the head
  std::array<std::uint32_t, kMostCodeBits + 1> limits_{};  // above all codes of this length, shifted to 16 bits
  std::array<int, kMostCodeBits + 1> offsets_{};           // the code itself and this give its place in symbols_
  std::array<std::uint8_t, kMostCodeBits + 1> counts_{};   // codes of this length
  std::array<std::uint8_t, 256> symbols_{};                // in the order of their codes
  Kind kind_ = Kind::kFirst;
};

/// One symbol or two, with their values. Of one the second has no step and the value of the first.
struct alignas(8) HuffmanPair {
  std::int16_t first_value = 0;
  std::int16_t second_value = 0;
  std::uint8_t first_step = 0;
  std::uint8_t second_step = 0;
  std::uint8_t all_bits = 0;  ///< of codes and values; 0: they are too long for a look-up
};

/// The codes of all coefficients of a block but the first, made so that one look-up gives what stands in so many bits.
class HuffmanPairs {
 public:
  static constexpr int kLookUpBits = 11;

  /// As that of HuffmanCodes. Gives false where the table makes no code.
  bool assign(const JHUFF_TBL& table);

  const HuffmanCodes& codes() const { return codes_; }

  HuffmanPair at(std::uint64_t bits) const { return pairs_[bits >> (64 - kLookUpBits)]; }

 private:
  HuffmanPair make_pair(std::uint64_t bits) const;

  std::array<HuffmanPair, std::size_t{1} << kLookUpBits> pairs_{};
  HuffmanCodes codes_;
};

}  // namespace lockstep::media
