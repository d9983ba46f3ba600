#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "lockstep/data/box_set.h"
#include "lockstep/media/image.h"

namespace lockstep::test {

/// Six classes of coloured rectangles: "blue", "cyan", "green", "pink", "red", "yellow".
const std::vector<std::string>& shape_classes();

/// A picture of 120 x 96 pixels with one rectangle of each of three classes, the same for the same number.
struct Shapes {
  media::Image picture;
  std::vector<data::ObjectBox> boxes;  ///< class_index in shape_classes()
};
Shapes make_shapes(std::size_t number);

/// Writes so many of them as PNG with COCO's annotations to train and valid.
void write_shapes(const std::filesystem::path& folder, std::size_t training, std::size_t validation);

/// The same with VOC's annotations beside the pictures, in train and test.
void write_shapes_as_voc(const std::filesystem::path& folder, std::size_t training, std::size_t test);

}  // namespace lockstep::test
