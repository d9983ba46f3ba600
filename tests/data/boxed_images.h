#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "lockstep/base/files.h"
#include "lockstep/data/box_set.h"
#include "lockstep/media/encode.h"
#include "tests/support/photographs.h"
#include "tests/support/temp_folder.h"

namespace lockstep::data {

/// An image without a file that shows these classes, a box each, one beside the other.
inline BoxedImage image_showing(const std::string& name, const std::vector<std::size_t>& classes) {
  BoxedImage image{.file = name, .size = {640, 48}, .id = 1, .boxes = {}};
  for (const std::size_t number : classes) {
    const double left = 10.0 * static_cast<double>(image.boxes.size());
    image.boxes.push_back({.x0 = left, .y0 = 5, .x1 = left + 8, .y1 = 20, .class_index = number});
  }
  return image;
}

/// So many images, each of which shows all of these classes.
inline std::vector<BoxedImage> images_showing(int count, const std::vector<std::size_t>& classes,
                                              const std::string& prefix = "image") {
  std::vector<BoxedImage> images;
  for (int i = 0; i < count; ++i) {
    images.push_back(image_showing(prefix + std::to_string(i) + ".jpg", classes));
  }
  return images;
}

/// The colour of each of four classes.
inline constexpr std::array<std::array<std::uint8_t, 3>, 4> kClassColours{
    {{250, 20, 20}, {20, 240, 20}, {30, 30, 250}, {250, 250, 20}}};

/// Dark grey images, PNG, each with a rectangle of every class in its colour, somewhere else in each.
inline std::vector<BoxedImage> write_coloured_boxes(const test::TempFolder& folder, int count) {
  std::vector<BoxedImage> images;
  for (int number = 0; number < count; ++number) {
    const media::ImageSize size = number % 2 == 0 ? media::ImageSize{240, 150} : media::ImageSize{130, 260};
    media::Image pixels(size.width, size.height, 3);
    std::fill(pixels.pixels.begin(), pixels.pixels.end(), std::uint8_t{60});
    BoxedImage image{
        .file = folder / ("boxes" + std::to_string(number) + ".png"), .size = size, .id = number, .boxes = {}};
    for (std::size_t shown = 0; shown < kClassColours.size(); ++shown) {
      const int quarter = static_cast<int>(shown) + number;
      const int width = 24 + 5 * (number % 4);
      const int height = 44 - 5 * (number % 3);
      const int x = (quarter % 2) * (size.width / 2) + (quarter % 2 == 0 ? 0 : size.width / 2 - width);
      const int y = (quarter / 2 % 2) * (size.height / 2) + (7 * number) % 20;
      for (int row = y; row < y + height; ++row) {
        for (int column = x; column < x + width; ++column) {
          std::copy_n(kClassColours[shown].begin(), 3, pixels.at(column, row));
        }
      }
      image.boxes.push_back({.x0 = static_cast<double>(x),
                             .y0 = static_cast<double>(y),
                             .x1 = static_cast<double>(x + width),
                             .y1 = static_cast<double>(y + height),
                             .class_index = shown});
    }
    write_file_atomically(image.file, media::encode_png(pixels));
    images.push_back(image);
  }
  return images;
}

}  // namespace lockstep::data
