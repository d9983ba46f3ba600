#include "lockstep/media/jpeg_bits.h"

namespace lockstep::media {

JpegBits JpegBits::refilled_slowly(JpegBits bits) {
  bits.refill_by_bytes();
  return bits;
}

void JpegBits::refill_by_bytes() {
  constexpr std::uint8_t kMarker = 0xff;
  while (left_ < kAtLeast) {
    const bool whole = end_ - next_ >= 2 || (end_ != next_ && *next_ != kMarker);
    if (!whole) {
      odd_ = odd_ || !at_marker_;
      return;
    }
    const std::uint8_t byte = *next_;
    if (byte == kMarker && next_[1] != 0) {
      at_marker_ = next_[1] != kMarker;
      odd_ = odd_ || !at_marker_;
      end_ = next_;
      return;
    }
    next_ += byte == kMarker ? 2 : 1;
    bits_ |= static_cast<std::uint64_t>(byte) << (kAtLeast - left_);
    left_ += 8;
  }
}

}  // namespace lockstep::media
