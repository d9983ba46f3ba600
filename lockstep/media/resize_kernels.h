#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace lockstep::media {

// The loops of resize_in_blocks, each for the widest registers of the processor (base/simd.h).

// Between the passes a value has 8 bits behind the point; weights have 16. A product keeps its upper half, so that it
// is too small by half a unit on average: each sum starts with what its products lose.
using Fixed = std::uint16_t;

// 16 values of 16 bits are the widest vector that all versions have instructions for: a pixel of 16 rows of one
// channel, or of 4 rows of four.
inline constexpr std::size_t kLanes = 16;

struct WeightedRows {
  static constexpr int kMost = 4;

  std::array<const std::uint8_t*, kMost> rows{};
  std::array<Fixed, kMost> weights{};
  int count = 0;  ///< 1 to kMost
};

/// sums = start + the weighted rows, `values` each.
void start_rows(const WeightedRows& rows, Fixed start, std::size_t values, Fixed* sums);

/// sums += the weighted rows, `values` each.
void add_rows(const WeightedRows& rows, std::size_t values, Fixed* sums);

/// Four rows of one channel, one after the other, (4, width), to (width, 4).
void join_rows(const Fixed* rows, std::size_t width, Fixed* joined);

/// Four rows, `stride` values apart, of pixels of 3 or 4 values to (width, 4, 4) = (width, kLanes). Of 3 channels the
/// fourth value is the next pixel's; one more value is read than there are.
void interleave_rows(const Fixed* rows, std::size_t stride, int channels, std::size_t width, Fixed* lanes);

/// What each pixel of a row is made of: `taps` pixels of the source, from its first one on.
struct WeightedColumns {
  const int* first = nullptr;      ///< (width)
  const Fixed* weights = nullptr;  ///< (width, taps)
  std::size_t taps = 0;
  std::size_t width = 0;
};

/// (source width, kLanes) to sums, (width, kLanes): start + the weighted pixels.
void filter_columns(const WeightedColumns& columns, const Fixed* lanes, Fixed start, Fixed* sums);

/// Turns rows and columns round: (kLanes, kLanes) to (kLanes, kLanes).
void transpose_lanes(const std::uint8_t* from, std::uint8_t* to);

/// Cuts off what is behind the point.
void cut_off(const Fixed* values, std::size_t count, std::uint8_t* levels);

}  // namespace lockstep::media
