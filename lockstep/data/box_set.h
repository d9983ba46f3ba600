#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "lockstep/data/annotations.h"
#include "lockstep/data/traps.h"
#include "lockstep/media/image.h"

namespace lockstep::data {

/// A box around an object, inside of its image: 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height, in pixels.
struct ObjectBox {
  double x0 = 0;
  double y0 = 0;
  double x1 = 0;
  double y1 = 0;
  std::size_t class_index = 0;  ///< in the classes of its set
  bool is_crowd = false;        ///< around many objects: no example of its class, and no mistake to find
  bool is_difficult = false;    ///< likewise, by VOC's word
};

/// An image with boxes. They lie on the picture of this size, which its annotation gives; on the picture that is
/// decoded they are put by placed_on() (data/box_frame.h).
struct BoxedImage {
  std::filesystem::path file;
  media::ImageSize size{};
  std::int64_t id = 0;  ///< COCO's; of VOC, which has none, the place in its split, from 1
  std::vector<ObjectBox> boxes;
};

struct BoxSplit {
  std::string name;  ///< "train", "valid", "test", or "all" where nothing says which
  std::vector<BoxedImage> images;
};

/// A dataset for detection, in memory but for its pixels.
struct BoxSet {
  std::string layout;                ///< in words, for the person who watches
  std::vector<std::string> classes;  ///< in an order that depends on the annotations alone
  std::vector<BoxSplit> splits;
  Traps traps;  ///< what is odd and was put up with

  /// Null where there is no such split.
  const BoxSplit* find_split(const std::string& name) const;
};

/// Classes by name.
using ClassIndex = std::map<std::string, std::size_t>;

/// The boxes of an annotation inside of an image of this size: corners put right, edges cut off at those of the image,
/// and none without area. What is done is noted in `traps`, with `place`.
std::vector<ObjectBox> boxes_inside(const std::vector<NamedBox>& boxes, media::ImageSize size,
                                    const ClassIndex& classes, const std::string& place, Traps& traps);

}  // namespace lockstep::data
