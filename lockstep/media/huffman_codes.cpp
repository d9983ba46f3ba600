#include "lockstep/media/huffman_codes.h"

#include <algorithm>

namespace lockstep::media {

HuffmanCodes::Assigned HuffmanCodes::assign(const JHUFF_TBL& table, Kind kind) {
  const bool same = kind == kind_ && std::equal(counts_.begin() + 1, counts_.end(), table.bits + 1) &&
                    std::equal(symbols_.begin(), symbols_.end(), table.huffval);
  if (same) {
    return Assigned::kAsBefore;
  }
  kind_ = kind;
  std::copy_n(table.bits, counts_.size(), counts_.begin());
  std::copy_n(table.huffval, symbols_.size(), symbols_.begin());
  if (!make_limits()) {
    *this = HuffmanCodes();
    return Assigned::kNoCode;
  }
  for (std::size_t i = 0; i < short_codes_.size(); ++i) {
    const HuffmanSymbol symbol = find(static_cast<std::uint64_t>(i) << (64 - kShortBits));
    short_codes_[i] = symbol.code_bits <= kShortBits ? symbol : HuffmanSymbol{};
  }
  return Assigned::kAnew;
}

bool HuffmanCodes::make_limits() {
  std::uint32_t code = 0;
  int place = 0;
  for (std::size_t length = 1; length < counts_.size(); ++length) {
    offsets_[length] = place - static_cast<int>(code);
    code += counts_[length];
    place += counts_[length];
    if (code > 1U << length || place > static_cast<int>(symbols_.size())) {
      return false;
    }
    limits_[length] = code << (kMostCodeBits - length);
    code <<= 1U;
  }
  return true;
}

HuffmanSymbol HuffmanCodes::find(std::uint64_t bits) const {
  const auto head = static_cast<std::uint32_t>(bits >> (64 - kMostCodeBits));
  for (std::size_t length = 1; length < limits_.size(); ++length) {
    if (head < limits_[length]) {
      const int place = offsets_[length] + static_cast<int>(head >> (kMostCodeBits - length));
      return symbol_of(symbols_[static_cast<std::size_t>(place)], static_cast<int>(length));
    }
  }
  return {.step = kNoSymbol};
}

HuffmanSymbol HuffmanCodes::symbol_of(std::uint8_t byte, int code_bits) const {
  constexpr unsigned kSixteenZeros = 15;  // ended by no value
  const unsigned zeros = kind_ == Kind::kFirst ? 0U : byte >> 4U;
  const unsigned value_bits = kind_ == Kind::kFirst ? byte : byte & 15U;
  if (value_bits > (kind_ == Kind::kFirst ? kMostValueBits : kMostValueBits - 1)) {
    return {.step = kNoSymbol};
  }
  const bool ends = kind_ == Kind::kOthers && value_bits == 0 && zeros != kSixteenZeros;
  return {static_cast<std::uint8_t>(code_bits), static_cast<std::uint8_t>(value_bits),
          ends ? kEndOfBlock : static_cast<std::uint8_t>(zeros + 1)};
}

bool HuffmanPairs::assign(const JHUFF_TBL& table) {
  const HuffmanCodes::Assigned assigned = codes_.assign(table, HuffmanCodes::Kind::kOthers);
  if (assigned == HuffmanCodes::Assigned::kAnew) {
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      pairs_[i] = make_pair(static_cast<std::uint64_t>(i) << (64 - kLookUpBits));
    }
  }
  return assigned != HuffmanCodes::Assigned::kNoCode;
}

HuffmanPair HuffmanPairs::make_pair(std::uint64_t bits) const {
  const HuffmanSymbol first = codes_.symbol_at(bits);
  const int used = first.all_bits();
  if (first.step == HuffmanCodes::kNoSymbol || used > kLookUpBits) {
    return {};
  }
  const auto value_of = [](std::uint64_t at, HuffmanSymbol symbol) {
    return static_cast<std::int16_t>(huffman_value(at << symbol.code_bits, symbol.value_bits));
  };
  HuffmanPair pair{value_of(bits, first), value_of(bits, first), first.step, 0, static_cast<std::uint8_t>(used)};
  if (first.step == HuffmanCodes::kEndOfBlock) {
    return pair;
  }
  const HuffmanSymbol second = codes_.symbol_at(bits << used);
  if (second.step != HuffmanCodes::kNoSymbol && used + second.all_bits() <= kLookUpBits) {
    pair.second_value = value_of(bits << used, second);
    pair.second_step = second.step;
    pair.all_bits = static_cast<std::uint8_t>(used + second.all_bits());
  }
  return pair;
}

}  // namespace lockstep::media
