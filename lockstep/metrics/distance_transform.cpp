#include "lockstep/metrics/distance_transform.h"

#include <cstddef>

#include "lockstep/metrics/lower_envelope.h"

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

}  // namespace

NearestPixels nearest_marked_pixels(std::span<const std::uint8_t> marked, std::int64_t width, std::int64_t height) {
  const std::vector<std::int64_t> rows = nearest_rows(marked, width, height);
  NearestPixels nearest{std::vector<std::int64_t>(marked.size()), std::vector<std::int64_t>(marked.size())};
  LowerEnvelope envelope;
  for (std::int64_t y = 0; y < height; ++y) {
    const std::int64_t line = y * width;
    envelope.start(width);
    for (std::int64_t x = 0; x < width; ++x) {
      const std::int64_t row = rows[static_cast<std::size_t>(line + x)];
      if (row != kNone) {
        envelope.add(x, (y - row) * (y - row));
      }
    }
    envelope.visit([&](std::int64_t x, const LowerEnvelope::Parabola& best) {
      const auto i = static_cast<std::size_t>(line + x);
      nearest.index[i] = rows[static_cast<std::size_t>(line + best.position)] * width + best.position;
      nearest.squared_distance[i] = best.at(x);
    });
  }
  return nearest;
}

}  // namespace lockstep::metrics
