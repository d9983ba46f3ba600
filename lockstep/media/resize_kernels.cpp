#include "lockstep/media/resize_kernels.h"

#include <algorithm>
#include <cstring>

#include "lockstep/base/simd.h"

namespace lockstep::media {
namespace {

inline Fixed weighted(Fixed value, Fixed weight) {
  return static_cast<Fixed>((static_cast<std::uint32_t>(value) * weight) >> 16U);
}

template <int kCount, bool kAnew>
LOCKSTEP_SIMD void sum_rows(const WeightedRows& rows, Fixed start, std::size_t values, Fixed* __restrict sums) {
  for (std::size_t i = 0; i < values; ++i) {
    Fixed sum = kAnew ? start : sums[i];
    for (std::size_t k = 0; k < kCount; ++k) {
      sum = static_cast<Fixed>(sum + weighted(static_cast<Fixed>(rows.rows[k][i] << 8U), rows.weights[k]));
    }
    sums[i] = sum;
  }
}

using SumRows = void (*)(const WeightedRows&, Fixed, std::size_t, Fixed*);
constexpr std::array<SumRows, 4> kRowsAnew{sum_rows<1, true>, sum_rows<2, true>, sum_rows<3, true>, sum_rows<4, true>};
constexpr std::array<SumRows, 4> kRowsMore{sum_rows<1, false>, sum_rows<2, false>, sum_rows<3, false>,
                                           sum_rows<4, false>};

// Four values of 16 bits: a pixel of a row, or one of four rows of one channel.
using Quad = std::uint64_t;

inline Quad quad_at(const Fixed* values) {
  Quad quad = 0;
  std::memcpy(&quad, values, sizeof(quad));
  return quad;
}

inline void put_quad(Quad quad, Fixed* values) { std::memcpy(values, &quad, sizeof(quad)); }

template <int kChannels>
LOCKSTEP_SIMD void interleave(const Fixed* __restrict rows, std::size_t stride, std::size_t width,
                              Fixed* __restrict lanes) {
  for (std::size_t x = 0; x < width; ++x) {
    const Fixed* pixel = rows + kChannels * x;
    put_quad(quad_at(pixel), lanes + x * kLanes);
    put_quad(quad_at(pixel + stride), lanes + x * kLanes + 4);
    put_quad(quad_at(pixel + 2 * stride), lanes + x * kLanes + 8);
    put_quad(quad_at(pixel + 3 * stride), lanes + x * kLanes + 12);
  }
}

/// Of all taps, kTaps from `columns.first` and `columns.weights` on.
template <int kTaps, bool kAnew>
LOCKSTEP_SIMD void sum_columns(const WeightedColumns& columns, const Fixed* __restrict lanes, Fixed start,
                               Fixed* __restrict sums) {
  const WeightedColumns c = columns;  // a copy that the sums cannot overlap with
  const Fixed* weights = c.weights;
  for (std::size_t x = 0; x < c.width; ++x, weights += c.taps, sums += kLanes) {
    const Fixed* from = lanes + static_cast<std::size_t>(c.first[x]) * kLanes;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      Fixed sum = kAnew ? start : sums[lane];
      for (std::size_t tap = 0; tap < kTaps; ++tap) {
        sum = static_cast<Fixed>(sum + weighted(from[tap * kLanes + lane], weights[tap]));
      }
      sums[lane] = sum;
    }
  }
}

using SumColumns = void (*)(const WeightedColumns&, const Fixed*, Fixed, Fixed*);
constexpr std::array<SumColumns, 8> kColumnsAnew{sum_columns<1, true>, sum_columns<2, true>, sum_columns<3, true>,
                                                 sum_columns<4, true>, sum_columns<5, true>, sum_columns<6, true>,
                                                 sum_columns<7, true>, sum_columns<8, true>};
constexpr std::array<SumColumns, 8> kColumnsMore{sum_columns<1, false>, sum_columns<2, false>, sum_columns<3, false>,
                                                 sum_columns<4, false>, sum_columns<5, false>, sum_columns<6, false>,
                                                 sum_columns<7, false>, sum_columns<8, false>};

constexpr std::size_t kTile = kLanes * kLanes;

/// Puts the two halves of a tile together like the teeth of a zip: the highest bit of a place becomes its lowest one.
inline void zip_halves(const std::uint8_t* __restrict from, std::uint8_t* __restrict to) {
  for (std::size_t i = 0; i < kTile / 2; ++i) {
    to[2 * i] = from[i];
    to[2 * i + 1] = from[kTile / 2 + i];
  }
}

}  // namespace

void start_rows(const WeightedRows& rows, Fixed start, std::size_t values, Fixed* sums) {
  kRowsAnew.at(static_cast<std::size_t>(rows.count - 1))(rows, start, values, sums);
}

void add_rows(const WeightedRows& rows, std::size_t values, Fixed* sums) {
  kRowsMore.at(static_cast<std::size_t>(rows.count - 1))(rows, 0, values, sums);
}

LOCKSTEP_SIMD void join_rows(const Fixed* __restrict rows, std::size_t width, Fixed* __restrict joined) {
  for (std::size_t x = 0; x < width; ++x) {
    put_quad(rows[x] | static_cast<Quad>(rows[x + width]) << 16U | static_cast<Quad>(rows[x + 2 * width]) << 32U |
                 static_cast<Quad>(rows[x + 3 * width]) << 48U,
             joined + 4 * x);
  }
}

void interleave_rows(const Fixed* rows, std::size_t stride, int channels, std::size_t width, Fixed* lanes) {
  (channels == 3 ? interleave<3> : interleave<4>)(rows, stride, width, lanes);
}

void filter_columns(const WeightedColumns& columns, const Fixed* lanes, Fixed start, Fixed* sums) {
  WeightedColumns part = columns;
  for (std::size_t tap = 0; tap < columns.taps; tap += kColumnsAnew.size()) {
    const std::size_t left = columns.taps - tap;
    const std::size_t count = std::min(kColumnsAnew.size(), left);
    part.weights = columns.weights + tap;
    (tap == 0 ? kColumnsAnew : kColumnsMore).at(count - 1)(part, lanes + tap * kLanes, start, sums);
  }
}

LOCKSTEP_SIMD void transpose_lanes(const std::uint8_t* __restrict from, std::uint8_t* __restrict to) {
  static_assert(kTile == 256, "four of the eight bits of a place are its row: after four turns it is its column");
  std::uint8_t other[kTile];
  zip_halves(from, other);
  zip_halves(other, to);
  zip_halves(to, other);
  zip_halves(other, to);
}

LOCKSTEP_SIMD void cut_off(const Fixed* __restrict values, std::size_t count, std::uint8_t* __restrict levels) {
  for (std::size_t i = 0; i < count; ++i) {
    levels[i] = static_cast<std::uint8_t>(values[i] >> 8U);
  }
}

}  // namespace lockstep::media
