#include "lockstep/media/resize_in_blocks.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "lockstep/media/resize_kernels.h"

namespace lockstep::media {
namespace {

constexpr int kHalfLevel = 128;

template <int kChannels>
constexpr std::size_t kLaneChannels = kChannels == 1 ? 1 : 4;

template <int kChannels>
constexpr int kBlockRows = static_cast<int>(kLanes / kLaneChannels<kChannels>);

template <int kChannels>
constexpr std::size_t kResultChannels = kChannels == 1 ? 1 : 3;

void to_fixed(const std::vector<double>& weights, std::vector<Fixed>& fixed) {
  fixed.resize(weights.size());
  std::transform(weights.begin(), weights.end(), fixed.begin(),
                 [](double weight) { return static_cast<Fixed>(std::min(std::nearbyint(weight * 65536.0), 65535.0)); });
}

/// Memory that a thread uses for one image after the other.
struct Workspace {
  std::vector<Fixed> column_weights;  // (width, taps)
  std::vector<Fixed> row_weights;     // (height, taps)
  std::vector<Fixed> rows;            // (block rows, source width, channels) and one value more
  std::vector<Fixed> joined;          // (4, source width, 4)
  std::vector<Fixed> lanes;           // (source width + taps, kLanes)
  std::vector<Fixed> sums;            // (width, kLanes)
  std::vector<std::uint8_t> levels;   // (width, rounded up to kLanes; kLanes)

  void prepare(std::size_t source_width, const FilterWindows& columns, const FilterWindows& windows_of_rows) {
    to_fixed(columns.weights, column_weights);
    to_fixed(windows_of_rows.weights, row_weights);
    rows.resize(source_width * kLanes + 1);
    joined.resize(source_width * kLanes);
    lanes.resize((source_width + static_cast<std::size_t>(columns.taps)) * kLanes);
    sums.resize(columns.first.size() * kLanes);
    levels.resize((columns.first.size() + kLanes - 1) / kLanes * kLanes * kLanes);
  }
};

/// One row of the result, as wide as the source. weights: (taps)
void blend_rows(const ImageView& source, int first, const Fixed* weights, int taps, Fixed* sums) {
  while (taps > 1 && weights[taps - 1] == 0) {
    --taps;
  }
  const std::size_t values = static_cast<std::size_t>(source.width) * static_cast<std::size_t>(source.channels);
  for (int tap = 0; tap < taps; tap += WeightedRows::kMost) {
    WeightedRows rows{.count = std::min(WeightedRows::kMost, taps - tap)};
    for (int k = 0; k < rows.count; ++k) {
      rows.rows[static_cast<std::size_t>(k)] = source.row(first + tap + k);
      rows.weights[static_cast<std::size_t>(k)] = weights[tap + k];
    }
    if (tap == 0) {
      start_rows(rows, static_cast<Fixed>(taps / 2), values, sums);
    } else {
      add_rows(rows, values, sums);
    }
  }
}

/// Puts the values of a block's rows together by pixel: (rows, width, channels) to (width, kLanes).
template <int kChannels>
void gather_lanes(std::size_t width, Workspace& work) {
  if constexpr (kChannels == 1) {
    for (std::size_t i = 0; i < 4; ++i) {
      join_rows(work.rows.data() + i * 4 * width, width, work.joined.data() + i * 4 * width);
    }
    interleave_rows(work.joined.data(), 4 * width, 4, width, work.lanes.data());
  } else {
    interleave_rows(work.rows.data(), kChannels * width, kChannels, width, work.lanes.data());
  }
}

/// Rows `y` to `y` + `count` of the result, as wide as the source, to work.lanes.
template <int kChannels>
void filter_rows(const ImageView& source, const FilterWindows& windows, int y, int count, Workspace& work) {
  const auto width = static_cast<std::size_t>(source.width);
  Fixed* sums = work.rows.data();
  for (int position = y; position < y + count; ++position, sums += width * kChannels) {
    const auto i = static_cast<std::size_t>(position);
    const Fixed* weights = work.row_weights.data() + i * static_cast<std::size_t>(windows.taps);
    blend_rows(source, windows.first[i], weights, windows.taps, sums);
  }
  gather_lanes<kChannels>(width, work);
}

/// Reads a byte of each cache line of the rows from `begin` to `end`, in the order in which they lie in memory. The
/// processor foresees that order and fetches ahead; of the many rows that are added up side by side it would lose
/// track. Gives the end.
int fetch_rows(const ImageView& source, int begin, int end) {
  constexpr std::ptrdiff_t kCacheLine = 64;
  if (begin >= end) {
    return begin;
  }
  const std::uint8_t* const last = source.row(end - 1) + source.width * source.channels;
  for (const std::uint8_t* byte = source.row(begin); byte < last; byte += std::min(kCacheLine, last - byte)) {
    static_cast<void>(*static_cast<const volatile std::uint8_t*>(byte));
  }
  return end;
}

/// Gives each row of a block its pixels: (width, kLanes) to (rows, width, channels).
template <int kChannels>
void scatter_lanes(const std::uint8_t* lanes, int rows, std::size_t width, std::uint8_t* destination) {
  if constexpr (kChannels == 1) {
    for (std::size_t x = 0; x < width; x += kLanes) {
      std::uint8_t tile[kLanes * kLanes];
      transpose_lanes(lanes + x * kLanes, tile);
      for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
        std::memcpy(destination + row * width + x, tile + row * kLanes, std::min(kLanes, width - x));
      }
    }
    return;
  }
  for (int row = 0; row < rows; ++row) {
    const std::uint8_t* from = lanes + static_cast<std::size_t>(row) * kLaneChannels<kChannels>;
    for (std::size_t x = 1; x < width; ++x, from += kLanes, destination += kResultChannels<kChannels>) {
      std::memcpy(destination, from, kLaneChannels<kChannels>);  // of 4 values the last one is overwritten
    }
    std::memcpy(destination, from, kResultChannels<kChannels>);
    destination += kResultChannels<kChannels>;
  }
}

template <int kChannels>
void resize_blocks(const ImageView& source, const FilterWindows& columns, const FilterWindows& rows,
                   std::uint8_t* destination) {
  thread_local Workspace work;
  work.prepare(static_cast<std::size_t>(source.width), columns, rows);
  const std::size_t width = columns.first.size();
  const int height = static_cast<int>(rows.first.size());
  const WeightedColumns weighted{columns.first.data(), work.column_weights.data(),
                                 static_cast<std::size_t>(columns.taps), width};
  const auto start = static_cast<Fixed>(kHalfLevel + columns.taps / 2);
  int fetched = 0;
  for (int y = 0; y < height; y += kBlockRows<kChannels>) {
    const int count = std::min(kBlockRows<kChannels>, height - y);
    const auto first = static_cast<std::size_t>(y);
    const int end = rows.first[first + static_cast<std::size_t>(count) - 1] + rows.taps;
    fetched = fetch_rows(source, std::max(fetched, rows.first[first]), std::min(end, source.height));
    filter_rows<kChannels>(source, rows, y, count, work);
    filter_columns(weighted, work.lanes.data(), start, work.sums.data());
    cut_off(work.sums.data(), work.sums.size(), work.levels.data());
    scatter_lanes<kChannels>(work.levels.data(), count, width, destination);
    destination += static_cast<std::size_t>(count) * width * kResultChannels<kChannels>;
  }
}

}  // namespace

void resize_in_blocks(const ImageView& source, const FilterWindows& columns, const FilterWindows& rows,
                      std::span<std::uint8_t> destination) {
  const auto resize_channels =
      source.channels == 1 ? resize_blocks<1> : (source.channels == 3 ? resize_blocks<3> : resize_blocks<4>);
  resize_channels(source, columns, rows, destination.data());
}

}  // namespace lockstep::media
