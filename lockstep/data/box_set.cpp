#include "lockstep/data/box_set.h"

#include <algorithm>
#include <utility>

#include "lockstep/base/text.h"

namespace lockstep::data {

const BoxSplit* BoxSet::find_split(const std::string& name) const {
  const auto split = std::find_if(splits.begin(), splits.end(), [&](const BoxSplit& one) { return one.name == name; });
  return split != splits.end() ? &*split : nullptr;
}

std::vector<ObjectBox> boxes_inside(const std::vector<NamedBox>& boxes, media::ImageSize size,
                                    const ClassIndex& classes, const std::string& place, Traps& traps) {
  std::vector<ObjectBox> inside;
  for (const NamedBox& box : boxes) {
    const auto note = [&](Trap trap) { traps.note(trap, text(place, " ('", box.class_name, "')")); };
    const auto [left, right] = std::minmax(box.x0, box.x1);
    const auto [top, bottom] = std::minmax(box.y0, box.y1);
    if (left == right || top == bottom) {
      note(Trap::kEmptyBox);
      continue;
    }
    if (right <= 0 || bottom <= 0 || left >= size.width || top >= size.height) {
      note(Trap::kOutsideBox);
      continue;
    }
    if (box.x0 > box.x1 || box.y0 > box.y1) {
      note(Trap::kInvertedBox);
    }
    if (left < 0 || top < 0 || right > size.width || bottom > size.height) {
      note(Trap::kClippedBox);
    }
    if (box.is_crowd) {
      note(Trap::kCrowdBox);
    }
    if (box.is_difficult) {
      note(Trap::kDifficultBox);
    }
    inside.push_back({.x0 = std::max(left, 0.0),
                      .y0 = std::max(top, 0.0),
                      .x1 = std::min(right, static_cast<double>(size.width)),
                      .y1 = std::min(bottom, static_cast<double>(size.height)),
                      .class_index = classes.at(box.class_name),
                      .is_crowd = box.is_crowd,
                      .is_difficult = box.is_difficult});
  }
  return inside;
}

}  // namespace lockstep::data
