#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lockstep/data/box_set.h"

namespace lockstep::tasks::fewshot {

/// A class as it is shown to a trained network.
struct ShownClass {
  std::string name;
  std::vector<data::BoxedImage> pictures;  ///< each with one box or more, all of this class, on the upright picture
};

/// Reads a folder with a folder of pictures for each class. The box of a picture is all of it, unless an annotation
/// lies beside it: NAME.xml (VOC) with boxes of the class, or a .json file (COCO) that names the picture. Classes come
/// by name. Throws DataError, naming the file, for what cannot be read, and where nothing of a class is shown.
std::vector<ShownClass> read_examples(const std::filesystem::path& folder);

/// The pictures of a folder, or the one that `path` is, without boxes, each with the size of its upright picture.
/// Throws DataError where there is none, and, naming it, for one whose header cannot be read.
std::vector<data::BoxedImage> read_pictures(const std::filesystem::path& path);

}  // namespace lockstep::tasks::fewshot
