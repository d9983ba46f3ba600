#include "lockstep/data/boxed_view.h"

#include <algorithm>
#include <cmath>

namespace lockstep::data {

media::Rect touched(const media::Box& box, media::ImageSize size) {
  const int left = std::clamp(static_cast<int>(std::floor(box.x)), 0, size.width - 1);
  const int top = std::clamp(static_cast<int>(std::floor(box.y)), 0, size.height - 1);
  const int right = std::clamp(static_cast<int>(std::ceil(box.x + box.width)), left + 1, size.width);
  const int bottom = std::clamp(static_cast<int>(std::ceil(box.y + box.height)), top + 1, size.height);
  return {left, top, right - left, bottom - top};
}

media::Box relative_to(const media::Rect& region, const media::Box& box) {
  return {box.x - region.x, box.y - region.y, box.width, box.height};
}

BoxedView cut(const media::ImageView& picture, const media::Box& box) {
  const media::Rect region = touched(box, picture.size());
  return {part_of(picture, region), relative_to(region, box)};
}

media::Box whole_box(media::ImageSize size) {
  return {0, 0, static_cast<double>(size.width), static_cast<double>(size.height)};
}

media::Box placed(const media::Box& box, media::ImageSize picture, const media::Box& place) {
  const double across = place.width / picture.width;
  const double down = place.height / picture.height;
  return {place.x + box.x * across, place.y + box.y * down, box.width * across, box.height * down};
}

}  // namespace lockstep::data
