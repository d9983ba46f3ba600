#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lockstep/data/annotations.h"
#include "lockstep/data/box_set.h"
#include "lockstep/data/image_finder.h"

namespace lockstep::data {

/// Makes a set out of annotations, split by split, and notes what is odd about the whole.
class BoxBuilder {
 public:
  /// The images of a folder, listed when they are first asked for.
  const ImageFinder& images_in(const std::filesystem::path& folder);

  /// Adds classes behind those that are there.
  void add_classes(const std::vector<std::string>& names);

  /// Adds an image, whose file was found, to a split. `place` is what traps call its annotation.
  void add_image(const std::string& split, const std::filesystem::path& file, const ImageAnnotation& annotation,
                 const std::string& place);

  Traps& traps() { return set_.traps; }

  /// The set, with its splits in order. Throws DataError where it has no image.
  BoxSet finish(const std::filesystem::path& root, const std::string& layout);

 private:
  void note_classes();
  void note_images();

  BoxSet set_;
  ClassIndex classes_;
  std::map<std::filesystem::path, std::unique_ptr<ImageFinder>> finders_;
  std::map<std::filesystem::path, std::set<std::string>> splits_of_;  ///< by image
  std::map<std::string, std::vector<BoxedImage>> images_;             ///< by split
};

}  // namespace lockstep::data
