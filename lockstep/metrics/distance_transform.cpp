#include "lockstep/metrics/distance_transform.h"

#include <cstddef>

namespace lockstep::metrics {
namespace {

constexpr std::int64_t kNone = -1;

/// For each pixel the row of the nearest marked pixel in its own column, or kNone.
std::vector<std::int64_t> nearest_rows(std::span<const std::uint8_t> marked, std::int64_t width, std::int64_t height) {
  std::vector<std::int64_t> rows(marked.size(), kNone);
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      const auto i = static_cast<std::size_t>(y * width + x);
      if (marked[i] != 0) {
        rows[i] = y;
      } else if (y > 0) {
        rows[i] = rows[i - static_cast<std::size_t>(width)];
      }
    }
  }
  for (std::int64_t y = height - 2; y >= 0; --y) {
    for (std::int64_t x = 0; x < width; ++x) {
      const auto i = static_cast<std::size_t>(y * width + x);
      const std::int64_t below = rows[i + static_cast<std::size_t>(width)];
      if (rows[i] == kNone || (below != kNone && below - y < y - rows[i])) {
        rows[i] = below;
      }
    }
  }
  return rows;
}

/// One column's offer to the pixels of a row: its pixel at `row`, `height_squared` away vertically.
struct Parabola {
  std::int64_t column;
  std::int64_t row;
  std::int64_t height_squared;
  std::int64_t from;  ///< the first column of the row where this offer is the best so far

  std::int64_t at(std::int64_t x) const { return (x - column) * (x - column) + height_squared; }
};

/// The first x where `right` is strictly below `left`, given that `left` is not above at some x >= 0.
std::int64_t first_below(const Parabola& left, const Parabola& right) {
  const std::int64_t rise =
      right.column * right.column - left.column * left.column + right.height_squared - left.height_squared;
  return rise / (2 * (right.column - left.column)) + 1;
}

/// The lower envelope of the parabolas of row y, from left to right.
void build_envelope(std::span<const std::int64_t> rows, std::int64_t y, std::vector<Parabola>& envelope) {
  envelope.clear();
  const auto width = static_cast<std::int64_t>(rows.size());
  for (std::int64_t x = 0; x < width; ++x) {
    const std::int64_t row = rows[static_cast<std::size_t>(x)];
    if (row == kNone) {
      continue;
    }
    Parabola next{x, row, (y - row) * (y - row), 0};
    while (!envelope.empty() && envelope.back().at(envelope.back().from) > next.at(envelope.back().from)) {
      envelope.pop_back();
    }
    if (!envelope.empty()) {
      next.from = first_below(envelope.back(), next);
    }
    if (next.from < width) {
      envelope.push_back(next);
    }
  }
}

}  // namespace

NearestPixels nearest_marked_pixels(std::span<const std::uint8_t> marked, std::int64_t width, std::int64_t height) {
  const std::vector<std::int64_t> rows = nearest_rows(marked, width, height);
  NearestPixels nearest{std::vector<std::int64_t>(marked.size()), std::vector<std::int64_t>(marked.size())};
  std::vector<Parabola> envelope;
  for (std::int64_t y = 0; y < height; ++y) {
    const std::size_t line = static_cast<std::size_t>(y * width);
    build_envelope(std::span(rows).subspan(line, static_cast<std::size_t>(width)), y, envelope);
    std::size_t best = 0;
    for (std::int64_t x = 0; x < width; ++x) {
      while (best + 1 < envelope.size() && envelope[best + 1].from <= x) {
        ++best;
      }
      const std::size_t i = line + static_cast<std::size_t>(x);
      nearest.index[i] = envelope[best].row * width + envelope[best].column;
      nearest.squared_distance[i] = envelope[best].at(x);
    }
  }
  return nearest;
}

}  // namespace lockstep::metrics
