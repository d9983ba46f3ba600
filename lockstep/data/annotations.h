#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/data/traps.h"
#include "lockstep/media/image.h"

namespace lockstep::data {

/// A box as an annotation gives it: two opposite corners, in pixels from the image's left and upper edge, wherever they
/// lie (no farther than twice kFarthest from 0).
struct NamedBox {
  std::string class_name;
  double x0 = 0;
  double y0 = 0;
  double x1 = 0;
  double y1 = 0;
  bool is_crowd = false;
  bool is_difficult = false;
};

inline constexpr double kFarthest = 1e6;

/// What is said of one image.
struct ImageAnnotation {
  std::int64_t id = 0;
  std::string image_name;   ///< its file's; empty where none is given
  media::ImageSize size{};  ///< 0 x 0 where none is given
  std::vector<NamedBox> boxes;
};

/// What a file with annotations of many images holds.
struct Annotations {
  std::vector<std::string> classes;  ///< in the file's own order, also those without boxes
  std::vector<ImageAnnotation> images;
  Traps traps;
};

/// The name of a class or a file, without blanks around it. Throws DataError, beginning with `place`, for one that
/// cannot stand in a line of words: empty, with control characters, or longer than 255 bytes.
std::string checked_name(const std::string& name, const std::string& place);

/// Whether a number may be a coordinate: finite, and no farther than kFarthest.
bool is_coordinate(double number);

/// The error for one that may not, or is no number; `place` is what it begins with, `words` how it is written.
DataError no_coordinate(const std::string& place, const std::string& words);

/// The size that an annotation gives, or 0 x 0 for a side of 0, as some programs write. Throws DataError, beginning
/// with `place`, for one that no image has (media/limits.h).
media::ImageSize checked_size(double width, double height, const std::string& place);

}  // namespace lockstep::data
