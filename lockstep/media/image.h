#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lockstep/base/reuse.h"

namespace lockstep::media {

struct ImageSize {
  int width = 0;
  int height = 0;

  bool operator==(const ImageSize&) const = default;
};

/// A rectangle of whole pixels; (x, y) is its upper left one.
struct Rect {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
};

/// A rectangle that need not begin and end between pixels.
struct Box {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;
};

struct Colour {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;
};

/// An image in memory, 8 bits a value.
struct Image {
  int width = 0;
  int height = 0;
  int channels = 0;                  ///< 1: grey, 3: red, green, blue, 4: those and one without meaning
  std::vector<std::uint8_t> pixels;  ///< (height, width, channels)

  Image() = default;

  /// A black image.
  Image(int image_width, int image_height, int image_channels)
      : width(image_width),
        height(image_height),
        channels(image_channels),
        pixels(static_cast<std::size_t>(image_width) * static_cast<std::size_t>(image_height) *
               static_cast<std::size_t>(image_channels)) {}

  ImageSize size() const { return {width, height}; }
  std::size_t row_bytes() const { return static_cast<std::size_t>(width) * static_cast<std::size_t>(channels); }
  std::uint8_t* row(int y) { return pixels.data() + static_cast<std::size_t>(y) * row_bytes(); }
  const std::uint8_t* row(int y) const { return pixels.data() + static_cast<std::size_t>(y) * row_bytes(); }

  /// The first of the pixel's values.
  std::uint8_t* at(int x, int y) { return row(y) + x * channels; }
  const std::uint8_t* at(int x, int y) const { return row(y) + x * channels; }
};

/// Gives an image this size; what memory it has is used again. Its pixels are then anything.
inline void reshape(Image& image, ImageSize size, int channels) {
  image.width = size.width;
  image.height = size.height;
  image.channels = channels;
  resize_for_reuse(image.pixels, image.row_bytes() * static_cast<std::size_t>(image.height));
}

/// An image, or a rectangle of one, in memory that belongs to someone else.
struct ImageView {
  const std::uint8_t* pixels = nullptr;
  int width = 0;
  int height = 0;
  int channels = 0;
  std::size_t row_stride = 0;  ///< bytes from a row to the next

  ImageSize size() const { return {width, height}; }
  const std::uint8_t* row(int y) const { return pixels + static_cast<std::size_t>(y) * row_stride; }
};

inline ImageView view_of(const Image& image) {
  return {image.pixels.data(), image.width, image.height, image.channels, image.row_bytes()};
}

/// A rectangle inside of the image.
inline ImageView part_of(const ImageView& image, Rect part) {
  return {image.row(part.y) + part.x * image.channels, part.width, part.height, image.channels, image.row_stride};
}

}  // namespace lockstep::media
