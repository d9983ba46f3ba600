#include "lockstep/data/box_frame.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/text.h"
#include "lockstep/data/proportion.h"
#include "lockstep/media/orientation.h"

namespace lockstep::data {
namespace {

void scale(BoxedImage& image, media::ImageSize size) {
  const double across = static_cast<double>(size.width) / image.size.width;
  const double down = static_cast<double>(size.height) / image.size.height;
  for (ObjectBox& box : image.boxes) {
    box.x0 *= across;
    box.x1 = std::min(box.x1 * across, static_cast<double>(size.width));
    box.y0 *= down;
    box.y1 = std::min(box.y1 * down, static_cast<double>(size.height));
  }
  image.size = size;
}

/// From the stored picture to the upright one.
void turn(BoxedImage& image, int orientation) {
  const media::Turn way = media::turn_of(orientation);
  for (ObjectBox& box : image.boxes) {
    if (way.from_right) {
      std::tie(box.x0, box.x1) = std::pair(image.size.width - box.x1, image.size.width - box.x0);
    }
    if (way.from_below) {
      std::tie(box.y0, box.y1) = std::pair(image.size.height - box.y1, image.size.height - box.y0);
    }
    if (way.exchanged) {
      std::swap(box.x0, box.y0);
      std::swap(box.x1, box.y1);
    }
  }
  image.size = media::upright_size(image.size, orientation);
}

}  // namespace

BoxedImage placed_on(const media::ImageHeader& header, BoxedImage image) {
  const media::ImageSize upright = media::upright_size(header.size, header.orientation);
  if (image.size == upright) {
    return image;
  }
  if (image.size == header.size) {
    turn(image, header.orientation);
    return image;
  }
  if (agree_in_proportion(image.size, upright)) {
    scale(image, upright);
    return image;
  }
  if (agree_in_proportion(image.size, header.size)) {
    scale(image, header.size);
    turn(image, header.orientation);
    return image;
  }
  throw DataError(text(image.file.string(), " is ", upright.width, "x", upright.height,
                       " pixels, but its annotation is of ", image.size.width, "x", image.size.height),
                  "annotate this image, or give the one that was annotated");
}

BoxedImage placed_on_file(const BoxedImage& image) {
  const std::string name = image.file.string();
  return placed_on(media::read_image_header(read_file(image.file), name), image);
}

}  // namespace lockstep::data
