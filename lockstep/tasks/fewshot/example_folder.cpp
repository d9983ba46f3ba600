#include "lockstep/tasks/fewshot/example_folder.h"

#include <algorithm>
#include <map>
#include <optional>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/text.h"
#include "lockstep/data/box_frame.h"
#include "lockstep/data/coco_json.h"
#include "lockstep/data/folder_entries.h"
#include "lockstep/data/image_finder.h"
#include "lockstep/data/voc_xml.h"
#include "lockstep/media/decode.h"
#include "lockstep/media/orientation.h"

namespace lockstep::tasks::fewshot {
namespace {

using std::filesystem::path;

/// What is annotated in a folder, by picture, and where it stands.
struct Annotated {
  data::ImageAnnotation annotation;
  path file;
};
using AnnotatedPictures = std::map<path, Annotated>;

bool has_ending(const path& file, const std::string& ending) {
  return data::in_lower_case(file.extension().string()) == ending;
}

media::ImageSize size_of_picture(const path& file) {
  const media::ImageHeader header = media::read_image_header(read_file(file), file.string());
  return media::upright_size(header.size, header.orientation);
}

AnnotatedPictures annotations_in(const path& folder, const data::ImageFinder& images) {
  AnnotatedPictures annotated;
  const auto add = [&](const path& picture, const data::ImageAnnotation& annotation, const path& file) {
    if (!picture.empty() && !annotated.emplace(picture, Annotated{annotation, file}).second) {
      throw DataError(text("'", picture.string(), "' is annotated in '", file.string(), "', and elsewhere beside it"),
                      "leave one of the annotations");
    }
  };
  for (const path& file : data::entries_of(folder)) {
    if (has_ending(file, ".xml")) {
      add(images.find_stem(file.stem().string()), data::parse_voc(read_text(file), file.string()), file);
    } else if (has_ending(file, ".json")) {
      for (const data::ImageAnnotation& one : data::parse_coco(read_text(file), file.string()).images) {
        add(images.find(one.image_name), one, file);
      }
    }
  }
  return annotated;
}

data::BoxedImage whole_picture(const path& file) {
  const media::ImageSize size = size_of_picture(file);
  return {.file = file,
          .size = size,
          .boxes = {{.x1 = static_cast<double>(size.width), .y1 = static_cast<double>(size.height)}}};
}

data::BoxedImage annotated_picture(const path& file, const Annotated& annotated, const std::string& name) {
  std::vector<data::NamedBox> boxes = annotated.annotation.boxes;
  std::erase_if(boxes, [&](const data::NamedBox& box) { return box.class_name != name || box.is_crowd; });
  data::BoxedImage image{.file = file, .size = annotated.annotation.size, .boxes = {}};
  if (image.size == media::ImageSize{}) {
    image.size = size_of_picture(file);
  }
  data::Traps traps;
  image.boxes = data::boxes_inside(boxes, image.size, {{name, 0}}, annotated.file.string(), traps);
  if (image.boxes.empty()) {
    throw DataError(
        text("'", annotated.file.string(), "' has no box of '", name, "' on '", file.filename().string(), "'"),
        "name the folder as the class, or take the annotation away: then all of the picture is the example");
  }
  return data::placed_on_file(image);
}

ShownClass read_class(const path& folder) {
  ShownClass shown{.name = folder.filename().string(), .pictures = {}};
  const data::ImageFinder images(folder);
  const AnnotatedPictures annotated = annotations_in(folder, images);
  for (const path& file : images.all()) {
    const auto found = annotated.find(file);
    shown.pictures.push_back(found == annotated.end() ? whole_picture(file)
                                                      : annotated_picture(file, found->second, shown.name));
  }
  if (shown.pictures.empty()) {
    throw DataError(text("no picture (JPEG, PNG) in '", folder.string(), "'"),
                    "put examples of the class there, or remove the folder");
  }
  return shown;
}

}  // namespace

std::vector<ShownClass> read_examples(const path& folder) {
  std::vector<ShownClass> classes;
  for (const path& entry : data::entries_of(folder)) {
    if (std::filesystem::is_directory(entry) && !entry.filename().string().starts_with(".")) {
      classes.push_back(read_class(entry));
    }
  }
  if (classes.empty()) {
    throw DataError(text("no folder of a class in '", folder.string(), "'"),
                    "put the pictures of each class into a folder with its name");
  }
  return classes;
}

std::vector<data::BoxedImage> read_pictures(const path& given) {
  std::vector<data::BoxedImage> pictures;
  const auto add = [&](const path& file) {
    pictures.push_back({.file = file,
                        .size = size_of_picture(file),
                        .id = static_cast<std::int64_t>(pictures.size()) + 1,
                        .boxes = {}});
  };
  if (std::filesystem::is_regular_file(given)) {
    add(given);
    return pictures;
  }
  for (const auto& [stem, file] : data::files_by_name(given, data::is_image_file)) {
    add(file);
  }
  if (pictures.empty()) {
    throw DataError(text("no picture (JPEG, PNG) in '", given.string(), "'"), "give a picture or a folder of pictures");
  }
  return pictures;
}

}  // namespace lockstep::tasks::fewshot
