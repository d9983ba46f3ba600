#pragma once

#include <cmath>
#include <string>

#include "lockstep/base/error.h"
#include "lockstep/data/box_set.h"

namespace lockstep::fuzz {

inline void require_name(const std::string& name) {
  LOCKSTEP_ASSERT(!name.empty() && name.find('\n') == std::string::npos, "a name that cannot stand in a line");
}

/// What an annotation holds must be fit for training: every box inside of its image, with an area and a known class.
inline void require_good_boxes(const data::ImageAnnotation& annotation, const data::ClassIndex& classes) {
  constexpr media::ImageSize kSomeSize{640, 480};
  const media::ImageSize size = annotation.size == media::ImageSize{} ? kSomeSize : annotation.size;
  LOCKSTEP_ASSERT(size.width > 0 && size.height > 0, "no image has such a size");
  data::Traps traps;
  for (const data::ObjectBox& box : data::boxes_inside(annotation.boxes, size, classes, "fuzzed", traps)) {
    LOCKSTEP_ASSERT(0 <= box.x0 && box.x0 < box.x1 && box.x1 <= size.width, "a box is outside of its image");
    LOCKSTEP_ASSERT(0 <= box.y0 && box.y0 < box.y1 && box.y1 <= size.height, "a box is outside of its image");
    LOCKSTEP_ASSERT(box.class_index < classes.size(), "a box is of no class");
  }
}

}  // namespace lockstep::fuzz
