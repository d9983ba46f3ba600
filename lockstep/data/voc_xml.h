#pragma once

#include <string>
#include <string_view>

#include "lockstep/data/annotations.h"

namespace lockstep::data {

/// Reads an annotation of one image as PASCAL VOC writes them (XML): the image's name and size, and for each <object>
/// its <name>, <bndbox> and <difficult>. The numbers are taken as edges, as LabelImg and most programs mean them.
/// Declarations of types and entities are passed over: nothing is expanded or fetched. `name` is what messages call
/// the file. Throws DataError for anything that is not such an annotation, naming the object.
ImageAnnotation parse_voc(std::string_view xml, const std::string& name);

}  // namespace lockstep::data
