#pragma once

#include <string>
#include <string_view>

#include "lockstep/data/annotations.h"

namespace lockstep::data {

/// Reads annotations as COCO's instances (JSON): `images` (id, file_name, width, height), `categories` (id, name) and
/// `annotations` (id, image_id, category_id, bbox as x, y, width, height; iscrowd). Whatever else is in the file, such
/// as outlines, is passed over while it is read and takes no memory. Classes come by category id, images by their order
/// in the file. `name` is what messages call the file. Throws DataError for anything that is no such file, or that
/// cannot be understood in one way alone, naming the entry.
Annotations parse_coco(std::string_view json, const std::string& name);

}  // namespace lockstep::data
