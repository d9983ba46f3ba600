#include "lockstep/media/resize_exactly.h"

#include <algorithm>
#include <vector>

namespace lockstep::media {
namespace {

// Weights are whole multiples of 2^-22: the sum of 8-bit values times weights that add up to 1 fits 31 bits.
constexpr int kWeightBits = 22;
constexpr std::int32_t kHalf = 1 << (kWeightBits - 1);

std::uint8_t to_pixel(std::int32_t sum) {
  // Rounded weights of many taps may add up to slightly more than 1.
  return static_cast<std::uint8_t>(std::min(sum >> kWeightBits, 255));
}

/// The weights of all positions, (size, taps).
std::vector<std::int32_t> whole_weights(const FilterWindows& windows) {
  std::vector<std::int32_t> weights(windows.weights.size());
  std::transform(windows.weights.begin(), windows.weights.end(), weights.begin(),
                 [](double weight) { return static_cast<std::int32_t>(0.5 + weight * (1 << kWeightBits)); });
  return weights;
}

template <int kSourceChannels>
void resize_row(const std::uint8_t* source, int source_width, const FilterWindows& windows, const std::int32_t* weights,
                std::uint8_t* target) {
  constexpr int kChannels = kSourceChannels == 1 ? 1 : 3;
  for (const int first : windows.first) {
    const std::uint8_t* pixel = source + first * kSourceChannels;
    const int taps = std::min(windows.taps, source_width - first);
    std::int32_t sums[kChannels];
    std::fill_n(sums, kChannels, kHalf);
    for (int tap = 0; tap < taps; ++tap, pixel += kSourceChannels) {
      for (int c = 0; c < kChannels; ++c) {
        sums[c] += pixel[c] * weights[tap];
      }
    }
    target = std::transform(sums, sums + kChannels, target, to_pixel);
    weights += windows.taps;
  }
}

/// One row of the result out of rows of the right width.
void blend_rows(const Image& rows, int first, int taps, const std::int32_t* weights, std::vector<std::int32_t>& sums,
                std::uint8_t* target) {
  std::fill(sums.begin(), sums.end(), kHalf);
  for (int tap = 0; tap < taps; ++tap) {
    const std::uint8_t* row = rows.row(first + tap);
    for (std::size_t i = 0; i < sums.size(); ++i) {
      sums[i] += row[i] * weights[tap];
    }
  }
  std::transform(sums.begin(), sums.end(), target, to_pixel);
}

}  // namespace

void resize_exactly(const ImageView& source, const FilterWindows& columns, const FilterWindows& rows,
                    std::span<std::uint8_t> destination) {
  const auto resize_columns =
      source.channels == 1 ? resize_row<1> : (source.channels == 3 ? resize_row<3> : resize_row<4>);
  const std::vector<std::int32_t> column_weights = whole_weights(columns);
  Image narrow(static_cast<int>(columns.first.size()), source.height, source.channels == 1 ? 1 : 3);
  for (int y = 0; y < source.height; ++y) {
    resize_columns(source.row(y), source.width, columns, column_weights.data(), narrow.row(y));
  }
  const std::vector<std::int32_t> row_weights = whole_weights(rows);
  const std::int32_t* weights = row_weights.data();
  std::vector<std::int32_t> sums(narrow.row_bytes());
  std::uint8_t* target = destination.data();
  for (const int first : rows.first) {
    blend_rows(narrow, first, std::min(rows.taps, source.height - first), weights, sums, target);
    weights += rows.taps;
    target += narrow.row_bytes();
  }
}

}  // namespace lockstep::media
