#include "lockstep/data/box_builder.h"

#include <algorithm>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/text.h"
#include "lockstep/data/folder_entries.h"
#include "lockstep/media/decode.h"
#include "lockstep/media/orientation.h"

namespace lockstep::data {

using std::filesystem::path;

const ImageFinder& BoxBuilder::images_in(const path& folder) {
  std::unique_ptr<ImageFinder>& finder = finders_[folder];
  if (!finder) {
    finder = std::make_unique<ImageFinder>(folder);
  }
  return *finder;
}

void BoxBuilder::add_classes(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (classes_.emplace(name, set_.classes.size()).second) {
      set_.classes.push_back(name);
    }
  }
}

void BoxBuilder::add_image(const std::string& split, const path& file, const ImageAnnotation& annotation,
                           const std::string& place) {
  if (!splits_of_[file].insert(split).second) {
    traps().note(Trap::kImageTwice, place);
    return;
  }
  if (!annotation.image_name.empty() && path(annotation.image_name).filename() != file.filename()) {
    traps().note(Trap::kImageUnderOtherName, text(place, " ('", annotation.image_name, "' is ", file.string(), ")"));
  }
  BoxedImage image{.file = file, .size = annotation.size, .id = annotation.id, .boxes = {}};
  if (image.size == media::ImageSize{}) {
    const media::ImageHeader header = media::read_image_header(read_file(file), file.string());
    image.size = media::upright_size(header.size, header.orientation);
    traps().note(Trap::kSizeNotGiven, place);
  }
  image.boxes = boxes_inside(annotation.boxes, image.size, classes_, place, traps());
  if (image.boxes.empty()) {
    traps().note(Trap::kImageWithoutBox, place);
  }
  images_[split].push_back(std::move(image));
}

void BoxBuilder::note_classes() {
  std::vector<std::size_t> boxes(set_.classes.size());
  for (const BoxSplit& split : set_.splits) {
    for (const BoxedImage& image : split.images) {
      for (const ObjectBox& box : image.boxes) {
        ++boxes[box.class_index];
      }
    }
  }
  std::map<std::string, std::string> by_lower_case;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const std::string& name = set_.classes[i];
    if (boxes[i] == 0) {
      traps().note(Trap::kClassWithoutBox, name);
    }
    if (const auto [other, is_new] = by_lower_case.emplace(in_lower_case(name), name); !is_new) {
      traps().note(Trap::kSimilarClasses, text(other->second, " and ", name));
    }
  }
}

void BoxBuilder::note_images() {
  for (const auto& [file, splits] : splits_of_) {
    if (splits.size() > 1) {
      traps().note(Trap::kImageInSeveralSplits, file.string());
    }
  }
  const auto is_taken = [&](const path& file) { return splits_of_.contains(file); };
  for (const auto& [folder, finder] : finders_) {
    const std::set<path>& all = finder->all();
    if (std::none_of(all.begin(), all.end(), is_taken)) {
      continue;  // it was looked through in vain
    }
    for (const path& file : all) {
      if (!is_taken(file)) {
        traps().note(Trap::kImageNotAnnotated, file.string());
      }
    }
  }
}

BoxSet BoxBuilder::finish(const path& root, const std::string& layout) {
  set_.layout = layout;
  for (const char* name : {"train", "valid", "test", "all"}) {
    if (const auto found = images_.find(name); found != images_.end()) {
      set_.splits.push_back({name, std::move(found->second)});
    }
  }
  if (set_.splits.empty()) {
    throw DataError(text("the annotations in ", root.string(), " name no image"), "add images to them");
  }
  note_classes();
  note_images();
  return std::move(set_);
}

}  // namespace lockstep::data
