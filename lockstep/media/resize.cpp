#include "lockstep/media/resize.h"

#include <algorithm>
#include <cmath>

#include "lockstep/base/error.h"
#include "lockstep/media/resize_exactly.h"
#include "lockstep/media/resize_in_blocks.h"
#include "lockstep/media/triangle_filter.h"

namespace lockstep::media {
namespace {

int result_channels(const ImageView& source) { return source.channels == 1 ? 1 : 3; }

void assert_fits(const ImageView& source, Rect crop, int width, int height, int channels, std::size_t destination) {
  LOCKSTEP_ASSERT(source.channels == 1 || source.channels == 3 || source.channels == 4,
                  "only grey and RGB images can be resized");
  LOCKSTEP_ASSERT(crop.x >= 0 && crop.width > 0 && crop.x + crop.width <= source.width, "crop outside of the image");
  LOCKSTEP_ASSERT(crop.y >= 0 && crop.height > 0 && crop.y + crop.height <= source.height, "crop outside of the image");
  LOCKSTEP_ASSERT(width > 0 && height > 0, "a size must be positive");
  const std::size_t values =
      static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * static_cast<std::size_t>(channels);
  LOCKSTEP_ASSERT(destination == values, "the destination does not have the size of the result");
}

/// Where each position of the result is read, by PyTorch's "nearest-exact", which computes in float.
std::vector<int> nearest_positions(int source, int size) {
  const float scale = static_cast<float>(source) / static_cast<float>(size);
  std::vector<int> positions(static_cast<std::size_t>(size));
  for (int i = 0; i < size; ++i) {
    const float center = (static_cast<float>(i) + 0.5F) * scale;
    positions[static_cast<std::size_t>(i)] = std::min(static_cast<int>(center), source - 1);
  }
  return positions;
}

/// The two neighbours between which a position of the result lies, and the share of the upper one.
struct Between {
  std::size_t lower = 0;
  std::size_t upper = 0;
  float share = 0;
};

std::vector<Between> neighbours(int source, int size) {
  const double scale = static_cast<double>(source) / size;
  std::vector<Between> all(static_cast<std::size_t>(size));
  for (int i = 0; i < size; ++i) {
    const double position = std::max(0.0, (i + 0.5) * scale - 0.5);
    const int lower = std::min(static_cast<int>(position), source - 1);
    all[static_cast<std::size_t>(i)] = {static_cast<std::size_t>(lower),
                                        static_cast<std::size_t>(std::min(lower + 1, source - 1)),
                                        static_cast<float>(position - lower)};
  }
  return all;
}

}  // namespace

void resize(const ImageView& source, Box box, int width, int height, bool flip_horizontally,
            std::span<std::uint8_t> destination) {
  assert_fits(source, {0, 0, source.width, source.height}, width, height, result_channels(source), destination.size());
  constexpr double kRounding = 1e-6;
  LOCKSTEP_ASSERT(box.width > 0 && box.height > 0, "an empty box has no pixels");
  LOCKSTEP_ASSERT(box.x >= -kRounding && box.x + box.width <= source.width + kRounding, "box outside of the image");
  LOCKSTEP_ASSERT(box.y >= -kRounding && box.y + box.height <= source.height + kRounding, "box outside of the image");
  thread_local FilterWindows columns;
  thread_local FilterWindows rows;
  triangle_windows(source.width, box.x, box.width, width, flip_horizontally, columns);
  triangle_windows(source.height, box.y, box.height, height, false, rows);
  const bool in_blocks = std::max(columns.taps, rows.taps) <= kMostTapsInBlocks;
  (in_blocks ? resize_in_blocks : resize_exactly)(source, columns, rows, destination);
}

void resize(const Image& source, Rect crop, int width, int height, bool flip_horizontally,
            std::span<std::uint8_t> destination) {
  assert_fits(view_of(source), crop, width, height, result_channels(view_of(source)), destination.size());
  const Box all{0, 0, static_cast<double>(crop.width), static_cast<double>(crop.height)};
  resize(part_of(view_of(source), crop), all, width, height, flip_horizontally, destination);
}

void resize_nearest(const Image& source, Rect crop, int width, int height, bool flip_horizontally,
                    std::span<std::uint8_t> destination) {
  assert_fits(view_of(source), crop, width, height, source.channels, destination.size());
  std::vector<int> columns = nearest_positions(crop.width, width);
  if (flip_horizontally) {
    std::reverse(columns.begin(), columns.end());
  }
  std::uint8_t* target = destination.data();
  for (const int y : nearest_positions(crop.height, height)) {
    for (const int x : columns) {
      target = std::copy_n(source.at(crop.x + x, crop.y + y), source.channels, target);
    }
  }
}

std::vector<float> resize_bilinear(std::span<const float> plane, int width, int height, int new_width, int new_height) {
  LOCKSTEP_ASSERT(width > 0 && height > 0 && new_width > 0 && new_height > 0, "a size must be positive");
  const auto stride = static_cast<std::size_t>(width);
  LOCKSTEP_ASSERT(plane.size() == stride * static_cast<std::size_t>(height), "the plane does not have the size given");
  const std::vector<Between> columns = neighbours(width, new_width);
  std::vector<float> result;
  result.reserve(static_cast<std::size_t>(new_width) * static_cast<std::size_t>(new_height));
  for (const Between& row : neighbours(height, new_height)) {
    const float* lower = plane.data() + row.lower * stride;
    const float* upper = plane.data() + row.upper * stride;
    for (const Between& column : columns) {
      const float above = (1 - column.share) * lower[column.lower] + column.share * lower[column.upper];
      const float below = (1 - column.share) * upper[column.lower] + column.share * upper[column.upper];
      result.push_back((1 - row.share) * above + row.share * below);
    }
  }
  return result;
}

}  // namespace lockstep::media
