#include "lockstep/media/resize.h"

#include <algorithm>
#include <cmath>

#include "lockstep/base/error.h"

namespace lockstep::media {
namespace {

// Weights are whole multiples of 2^-22: the sum of 8-bit values times weights that add up to 1 fits 31 bits.
constexpr int kWeightBits = 22;
constexpr std::int32_t kHalf = 1 << (kWeightBits - 1);

std::uint8_t to_pixel(std::int32_t sum) {
  // Rounded weights of many taps may add up to slightly more than 1.
  return static_cast<std::uint8_t>(std::min(sum >> kWeightBits, 255));
}

/// The source positions that one position of the result is a weighted sum of.
struct Window {
  int first = 0;
  std::vector<std::int32_t> weights;
};

/// One window a position of the result, along one axis. Follows the arithmetic of Pillow's `precompute_coeffs`
/// (src/libImaging/Resample.c), so that the bits agree.
std::vector<Window> triangle_windows(int source, double begin, double length, int size) {
  const double scale = length / size;
  const double support = std::max(scale, 1.0);
  const double per_support = 1.0 / support;
  std::vector<Window> windows(static_cast<std::size_t>(size));
  std::vector<double> exact;
  for (int i = 0; i < size; ++i) {
    const double center = begin + (i + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(center - support + 0.5));
    const int end = std::min(source, static_cast<int>(center + support + 0.5));
    exact.clear();
    double sum = 0;
    for (int position = first; position < end; ++position) {
      exact.push_back(std::max(0.0, 1.0 - std::abs((position - center + 0.5) * per_support)));
      sum += exact.back();
    }
    Window& window = windows[static_cast<std::size_t>(i)];
    window.first = first;
    for (const double weight : exact) {
      window.weights.push_back(static_cast<std::int32_t>(0.5 + weight / sum * (1 << kWeightBits)));
    }
  }
  return windows;
}

template <int kChannels>
void resize_row(const std::uint8_t* source, const std::vector<Window>& windows, std::uint8_t* target) {
  for (const Window& window : windows) {
    const std::uint8_t* pixel = source + window.first * kChannels;
    std::int32_t sums[kChannels];
    std::fill_n(sums, kChannels, kHalf);
    for (const std::int32_t weight : window.weights) {
      for (int c = 0; c < kChannels; ++c) {
        sums[c] += pixel[c] * weight;
      }
      pixel += kChannels;
    }
    for (int c = 0; c < kChannels; ++c) {
      *target++ = to_pixel(sums[c]);
    }
  }
}

/// One row of the result out of rows of the right width.
void blend_rows(const Image& rows, const Window& window, std::vector<std::int32_t>& sums, std::uint8_t* target) {
  std::fill(sums.begin(), sums.end(), kHalf);
  for (std::size_t tap = 0; tap < window.weights.size(); ++tap) {
    const std::uint8_t* row = rows.row(window.first + static_cast<int>(tap));
    const std::int32_t weight = window.weights[tap];
    for (std::size_t i = 0; i < sums.size(); ++i) {
      sums[i] += row[i] * weight;
    }
  }
  std::transform(sums.begin(), sums.end(), target, to_pixel);
}

void assert_fits(const ImageView& source, Rect crop, int width, int height, std::size_t destination) {
  LOCKSTEP_ASSERT(source.channels == 1 || source.channels == 3, "only grey and RGB images can be resized");
  LOCKSTEP_ASSERT(crop.x >= 0 && crop.width > 0 && crop.x + crop.width <= source.width, "crop outside of the image");
  LOCKSTEP_ASSERT(crop.y >= 0 && crop.height > 0 && crop.y + crop.height <= source.height, "crop outside of the image");
  LOCKSTEP_ASSERT(width > 0 && height > 0, "a size must be positive");
  const std::size_t values =
      static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * static_cast<std::size_t>(source.channels);
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
  assert_fits(source, {0, 0, source.width, source.height}, width, height, destination.size());
  LOCKSTEP_ASSERT(box.width > 0 && box.height > 0, "an empty box has no pixels");
  std::vector<Window> columns = triangle_windows(source.width, box.x, box.width, width);
  if (flip_horizontally) {
    std::reverse(columns.begin(), columns.end());
  }
  const auto resize_columns = source.channels == 1 ? resize_row<1> : resize_row<3>;
  Image narrow(width, source.height, source.channels);
  for (int y = 0; y < source.height; ++y) {
    resize_columns(source.row(y), columns, narrow.row(y));
  }
  std::vector<std::int32_t> sums(narrow.row_bytes());
  std::uint8_t* target = destination.data();
  for (const Window& window : triangle_windows(source.height, box.y, box.height, height)) {
    blend_rows(narrow, window, sums, target);
    target += narrow.row_bytes();
  }
}

void resize(const Image& source, Rect crop, int width, int height, bool flip_horizontally,
            std::span<std::uint8_t> destination) {
  assert_fits(view_of(source), crop, width, height, destination.size());
  const Box all{0, 0, static_cast<double>(crop.width), static_cast<double>(crop.height)};
  resize(part_of(view_of(source), crop), all, width, height, flip_horizontally, destination);
}

void resize_nearest(const Image& source, Rect crop, int width, int height, bool flip_horizontally,
                    std::span<std::uint8_t> destination) {
  assert_fits(view_of(source), crop, width, height, destination.size());
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
