#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace lockstep::media {

/// The bits of a JPEG's entropy-coded segment, from the highest of each byte on. It ends before a marker; behind that
/// come zeros. A zero byte after 0xff (which tells it from a marker) is left out.
class JpegBits {
 public:
  static constexpr int kAtLeast = 56;  ///< bits that are there after `refill`

  JpegBits() = default;
  JpegBits(const std::uint8_t* begin, const std::uint8_t* end) : next_(begin), end_(end) {}

  void refill() {
    constexpr std::ptrdiff_t kWord = sizeof(std::uint64_t);
    if (end_ - next_ < kWord) {
      *this = refilled_slowly(*this);
      return;
    }
    std::uint64_t word = 0;
    std::memcpy(&word, next_, sizeof(word));
    if constexpr (std::endian::native == std::endian::little) {
      word = __builtin_bswap64(word);
    }
    const int bytes = (63 - left_) >> 3;
    if ((ones_bytes(word) & ~(~std::uint64_t{0} >> (8 * bytes))) != 0) {
      *this = refilled_slowly(*this);
      return;
    }
    bits_ |= word >> left_;
    next_ += bytes;
    left_ += 8 * bytes;
  }

  /// The next bit is the highest one.
  std::uint64_t head() const { return bits_; }

  void drop(int count) {
    bits_ <<= count;
    left_ -= count;
  }

  /// Takes the last `drop` back; `head` is what it was before.
  void put_back(std::uint64_t head, int count) {
    bits_ = head;
    left_ += count;
  }

  /// Whether bits were dropped that the segment does not have, or it is not followed by a marker, or has bytes that a
  /// plain one does not have.
  bool is_odd() const { return odd_ || left_ < 0; }

  /// What follows, where all but less than a byte was dropped: a marker; null where it is something else.
  const std::uint8_t* marker() {
    refill();
    return at_marker_ && left_ >= 0 && left_ < 8 ? next_ : nullptr;
  }

  /// How far it has read. No marker lies before.
  const std::uint8_t* position() const { return next_; }

 private:
  /// The highest bit of each byte of eight ones; of higher ones perhaps too.
  static std::uint64_t ones_bytes(std::uint64_t word) {
    constexpr std::uint64_t kLow = 0x0101010101010101;
    return (~word - kLow) & word & (kLow << 7U);
  }

  // By value, so that the object can stay in registers.
  static JpegBits refilled_slowly(JpegBits bits);
  void refill_by_bytes();

  std::uint64_t bits_ = 0;
  int left_ = 0;  ///< bits in bits_; below zero where more were dropped
  const std::uint8_t* next_ = nullptr;
  const std::uint8_t* end_ = nullptr;
  bool at_marker_ = false;
  bool odd_ = false;
};

}  // namespace lockstep::media
