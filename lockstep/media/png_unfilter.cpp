#include "lockstep/media/png_unfilter.h"

#include <algorithm>
#include <cstring>

#include "lockstep/base/simd.h"

#define LOCKSTEP_INLINE [[gnu::always_inline]] inline  // into the versions of LOCKSTEP_SIMD

namespace lockstep::media {
namespace {

enum PngFilter { kNone = 0, kSub = 1, kUp = 2, kAverage = 3, kPaeth = 4 };

// ---- one byte a pixel, as in masks: whole blocks where a row goes on as it began

typedef std::uint8_t Block __attribute__((vector_size(16)));
constexpr std::size_t kBlock = sizeof(Block);

LOCKSTEP_INLINE Block load_block(const std::uint8_t* bytes) {
  Block block;
  std::memcpy(&block, bytes, kBlock);
  return block;
}

LOCKSTEP_INLINE bool is_zero(Block block) {
  std::uint64_t halves[2];
  std::memcpy(halves, &block, kBlock);
  return (halves[0] | halves[1]) == 0;
}

/// Whether all bytes are this one.
LOCKSTEP_INLINE bool is_all(Block block, std::uint8_t byte) { return is_zero(block ^ (Block{} + byte)); }

/// Each byte becomes the sum of those up to it, and of `left`.
LOCKSTEP_INLINE Block prefix_sums(Block block, std::uint8_t left) {
  // The indices from 16 on take zeros from the left operand's neighbour.
  constexpr Block kZero{};
  block += __builtin_shufflevector(kZero, block, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
  block += __builtin_shufflevector(kZero, block, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29);
  block += __builtin_shufflevector(kZero, block, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27);
  block += __builtin_shufflevector(kZero, block, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23);
  return block + left;
}

/// The one of left, above and upper left that is nearest to left + above - upper left; ties go in this order. That sum
/// is at or below the lower of left and above where the upper left one is high, at or above the higher one where it is
/// low; the threshold says where they are nearest, without the three distances.
template <typename Value>
LOCKSTEP_INLINE Value paeth(Value left, Value above, Value upper_left) {
  const Value low = left < above ? left : above;
  const Value high = left < above ? above : left;
  const Value threshold = 3 * upper_left - above - left;  // left comes last, for it is known last
  const Value inner = high <= threshold ? low : upper_left;
  return threshold <= low ? high : inner;
}

/// The neighbours of the next byte of a row.
struct Corner {
  std::uint8_t left = 0;
  std::uint8_t upper_left = 0;
};

/// Undoes a filter byte by byte. `predict` gives the guess for a byte from left, above, upper left.
template <typename Predict>
LOCKSTEP_INLINE void unfilter_bytes(const std::uint8_t* above, std::uint8_t* row, std::size_t count, Corner& corner,
                                    const Predict& predict) {
  for (std::size_t i = 0; i < count; ++i) {
    corner.left = static_cast<std::uint8_t>(row[i] + predict(corner.left, above[i], corner.upper_left));
    corner.upper_left = above[i];
    row[i] = corner.left;
  }
}

/// The same by blocks; `shortcut` undoes the filter of a block if that can be done for all of it at once.
template <typename Shortcut, typename Predict>
LOCKSTEP_INLINE void unfilter_blocks(const std::uint8_t* above, std::uint8_t* row, std::size_t row_bytes,
                                     const Shortcut& shortcut, const Predict& predict) {
  Corner corner;
  std::size_t i = 0;
  for (; i + kBlock <= row_bytes; i += kBlock) {
    Block block = load_block(row + i);
    const Block block_above = load_block(above + i);
    if (shortcut(block, block_above, corner)) {
      std::memcpy(row + i, &block, kBlock);
      corner = {block[kBlock - 1], block_above[kBlock - 1]};
    } else {
      unfilter_bytes(above + i, row + i, kBlock, corner, predict);
    }
  }
  unfilter_bytes(above + i, row + i, row_bytes - i, corner, predict);
}

LOCKSTEP_SIMD void unfilter_single_bytes(PngFilter filter, const std::uint8_t* above, std::uint8_t* row,
                                         std::size_t row_bytes) {
  if (filter == kSub) {
    const auto sums = [](Block& block, Block, Corner corner) {
      block = prefix_sums(block, corner.left);
      return true;
    };
    unfilter_blocks(above, row, row_bytes, sums, [](int left, int, int) { return left; });
  } else if (filter == kAverage) {
    const auto same_level = [](Block& block, Block block_above, Corner corner) {
      const bool goes_on = is_zero(block) && is_all(block_above, corner.left);
      block = goes_on ? block_above : block;
      return goes_on;
    };
    unfilter_blocks(above, row, row_bytes, same_level, [](int left, int up, int) { return (left + up) / 2; });
  } else {
    const auto edge = [](Block& block, Block block_above, Corner corner) {
      // Below an upright edge the guess is the byte above, below a level row it is the byte to the left.
      if (corner.left == corner.upper_left && is_zero(block)) {
        block = block_above;
        return true;
      }
      if (is_all(block_above, corner.upper_left)) {
        block = prefix_sums(block, corner.left);
        return true;
      }
      return false;
    };
    unfilter_blocks(above, row, row_bytes, edge, paeth<int>);
  }
}

// ---- three or four bytes a pixel: the channels side by side

typedef std::int16_t Channels __attribute__((vector_size(16)));
typedef std::uint8_t ChannelBytes __attribute__((vector_size(8)));

LOCKSTEP_INLINE Channels load_pixel(const std::uint8_t* bytes) {
  ChannelBytes pixel{};
  std::memcpy(&pixel, bytes, 4);
  return __builtin_convertvector(pixel, Channels);
}

template <int kPixelBytes>
LOCKSTEP_INLINE void store_pixel(Channels channels, std::uint8_t* bytes) {
  const ChannelBytes pixel = __builtin_convertvector(channels, ChannelBytes);
  std::memcpy(bytes, &pixel, kPixelBytes);
}

template <int kPixelBytes, typename Predict>
LOCKSTEP_INLINE void unfilter_pixels(const std::uint8_t* above, std::uint8_t* row, std::size_t row_bytes,
                                     const Predict& predict) {
  Channels left{};
  Channels upper_left{};
  for (std::size_t i = 0; i < row_bytes; i += kPixelBytes) {
    const Channels up = load_pixel(above + i);
    left = (load_pixel(row + i) + predict(left, up, upper_left)) & 255;
    upper_left = up;
    store_pixel<kPixelBytes>(left, row + i);
  }
}

template <int kPixelBytes>
LOCKSTEP_INLINE void unfilter_pixels_by(PngFilter filter, const std::uint8_t* above, std::uint8_t* row,
                                        std::size_t row_bytes) {
  if (filter == kSub) {
    unfilter_pixels<kPixelBytes>(above, row, row_bytes, [](Channels left, Channels, Channels) { return left; });
  } else if (filter == kAverage) {
    unfilter_pixels<kPixelBytes>(above, row, row_bytes,
                                 [](Channels left, Channels up, Channels) { return (left + up) >> 1; });
  } else {
    unfilter_pixels<kPixelBytes>(above, row, row_bytes, paeth<Channels>);
  }
}

LOCKSTEP_SIMD void unfilter_colours(PngFilter filter, const std::uint8_t* above, std::uint8_t* row,
                                    std::size_t row_bytes, int pixel_bytes) {
  if (pixel_bytes == 3) {
    unfilter_pixels_by<3>(filter, above, row, row_bytes);
  } else {
    unfilter_pixels_by<4>(filter, above, row, row_bytes);
  }
}

// ---- any number of bytes a pixel

LOCKSTEP_SIMD void add_above(const std::uint8_t* __restrict above, std::uint8_t* __restrict row,
                             std::size_t row_bytes) {
  for (std::size_t i = 0; i < row_bytes; ++i) {
    row[i] = static_cast<std::uint8_t>(row[i] + above[i]);
  }
}

/// Two bytes a pixel (grey with alpha), which are rare.
void unfilter_pairs(PngFilter filter, const std::uint8_t* above, std::uint8_t* row, std::size_t row_bytes) {
  for (std::size_t i = 0; i < row_bytes; ++i) {
    const int left = i < 2 ? 0 : row[i - 2];
    const int upper_left = i < 2 ? 0 : above[i - 2];
    const int guess = filter == kSub       ? left
                      : filter == kAverage ? (left + above[i]) / 2
                                           : paeth<int>(left, above[i], upper_left);
    row[i] = static_cast<std::uint8_t>(row[i] + guess);
  }
}

}  // namespace

bool unfilter_row(int filter, const std::uint8_t* above, std::uint8_t* row, std::size_t row_bytes, int pixel_bytes) {
  if (!is_png_filter(filter)) {
    return false;
  }
  const auto known = static_cast<PngFilter>(filter);
  if (known == kUp) {
    add_above(above, row, row_bytes);
  } else if (known == kNone) {
    return true;
  } else if (pixel_bytes == 1) {
    unfilter_single_bytes(known, above, row, row_bytes);
  } else if (pixel_bytes == 2) {
    unfilter_pairs(known, above, row, row_bytes);
  } else {
    unfilter_colours(known, above, row, row_bytes, pixel_bytes);
  }
  return true;
}

}  // namespace lockstep::media
