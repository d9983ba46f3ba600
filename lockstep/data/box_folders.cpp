#include "lockstep/data/box_folders.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/text.h"
#include "lockstep/data/box_builder.h"
#include "lockstep/data/box_sources.h"
#include "lockstep/data/coco_json.h"
#include "lockstep/data/folder_entries.h"
#include "lockstep/data/voc_xml.h"

namespace lockstep::data {
namespace {

using std::filesystem::path;

/// An annotation of VOC, and the image that it is of.
struct VocImage {
  path annotation_file;
  path image;
  ImageAnnotation annotation;
};

using VocImages = std::map<std::string, VocImage>;  // by the annotation's name without its ending

void refuse_missing(const std::vector<std::string>& missing, const std::string& what, const std::string& remedy) {
  if (missing.empty()) {
    return;
  }
  constexpr std::size_t kShown = 3;
  std::string names;
  for (std::size_t i = 0; i < std::min(missing.size(), kShown); ++i) {
    names += (i > 0 ? ", " : "") + missing[i];
  }
  throw DataError(text(missing.size(), " ", what, ": ", names, missing.size() > kShown ? ", …" : ""), remedy);
}

/// By the annotation's own name, else by the one that stands in it.
path find_voc_image(const ImageFinder& images, const std::string& stem, const std::string& named) {
  path file = images.find_stem(stem);
  return file.empty() && !named.empty() ? images.find(named) : file;
}

VocImages read_voc_folder(const BoxSource& source, BoxBuilder& builder) {
  const ImageFinder& images = builder.images_in(source.image_folders.front());
  VocImages found;
  std::vector<std::string> missing;
  for (const path& file : entries_of(source.annotations)) {
    if (in_lower_case(file.extension().string()) != ".xml" || file.filename().string().starts_with('.')) {
      continue;
    }
    VocImage entry{file, {}, parse_voc(read_text(file), file.string())};
    entry.image = find_voc_image(images, file.stem().string(), entry.annotation.image_name);
    if (entry.image.empty()) {
      missing.push_back(file.string());
    }
    found.emplace(file.stem().string(), std::move(entry));
  }
  refuse_missing(missing,
                 text("annotation(s) without an image of their name (.jpg, .jpeg, .png) in ", images.folder().string()),
                 "put the images there, or remove the annotations");
  return found;
}

/// The lists of names beside a folder of annotations, by split.
std::vector<std::pair<std::string, path>> lists_of(const path& annotations) {
  const path folder = annotations.parent_path() / "ImageSets" / "Main";
  std::vector<std::pair<std::string, path>> lists;
  for (const char* name : {"train", "val", "trainval", "test"}) {
    const path file = folder / (std::string(name) + ".txt");
    // "trainval" repeats the others where they are there.
    const bool repeats = name == std::string("trainval") && !lists.empty();
    if (!repeats && std::filesystem::is_regular_file(file)) {
      lists.emplace_back(split_of_name(name), file);
    }
  }
  return lists;
}

/// The first word of each line.
std::vector<std::string> names_in(const path& list) {
  std::istringstream lines(read_text(list));
  std::vector<std::string> names;
  for (std::string line; std::getline(lines, line);) {
    std::string name;
    if (std::istringstream(line) >> name) {
      names.push_back(name);
    }
  }
  return names;
}

void add_voc_image(const std::string& split, const VocImage& entry, BoxBuilder& builder,
                   std::map<std::string, std::int64_t>& last_id) {
  ImageAnnotation annotation = entry.annotation;
  annotation.id = ++last_id[split];
  builder.add_image(split, entry.image, annotation, entry.annotation_file.string());
}

void add_listed(const BoxSource& source, const VocImages& images, BoxBuilder& builder,
                std::map<std::string, std::int64_t>& last_id) {
  std::set<std::string> listed;
  for (const auto& [split, list] : lists_of(source.annotations)) {
    std::vector<std::string> missing;
    for (const std::string& name : names_in(list)) {
      const auto entry = images.find(name);
      if (entry == images.end()) {
        missing.push_back(name);
        continue;
      }
      listed.insert(name);
      add_voc_image(split, entry->second, builder, last_id);
    }
    refuse_missing(missing,
                   text("name(s) in ", list.string(), " without an annotation in ", source.annotations.string()),
                   "add the annotations, or take the names out of the list");
  }
  for (const auto& [name, entry] : images) {
    if (!listed.contains(name)) {
      builder.traps().note(Trap::kAnnotationInNoList, entry.annotation_file.string());
    }
  }
}

void add_voc(const std::vector<BoxSource>& sources, BoxBuilder& builder) {
  std::vector<VocImages> folders;
  std::set<std::string> classes;
  for (const BoxSource& source : sources) {
    folders.push_back(read_voc_folder(source, builder));
    for (const auto& [name, entry] : folders.back()) {
      for (const NamedBox& box : entry.annotation.boxes) {
        classes.insert(box.class_name);
      }
    }
  }
  builder.add_classes({classes.begin(), classes.end()});
  std::map<std::string, std::int64_t> last_id;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (!lists_of(sources[i].annotations).empty()) {
      add_listed(sources[i], folders[i], builder, last_id);
      continue;
    }
    for (const auto& [name, entry] : folders[i]) {
      add_voc_image(sources[i].split, entry, builder, last_id);
    }
  }
}

/// The folder in which one of the first images is found; the likeliest one where none is.
const ImageFinder& folder_of_coco(const BoxSource& source, const Annotations& annotations, BoxBuilder& builder) {
  constexpr std::size_t kTried = 20;
  for (const path& folder : source.image_folders) {
    const ImageFinder& images = builder.images_in(folder);
    for (std::size_t i = 0; i < std::min(annotations.images.size(), kTried); ++i) {
      if (!images.find(annotations.images[i].image_name).empty()) {
        return images;
      }
    }
  }
  return builder.images_in(source.image_folders.front());
}

void add_coco(const std::vector<BoxSource>& sources, BoxBuilder& builder) {
  std::map<std::string, path> file_of_split;
  for (const BoxSource& source : sources) {
    const auto [other, is_new] = file_of_split.emplace(source.split, source.annotations);
    if (!is_new) {
      throw DataError(text(other->second.string(), " and ", source.annotations.string(), " are both of the split '",
                           source.split, "'"),
                      "give a folder with one of them");
    }
    const std::string name = source.annotations.string();
    const Annotations annotations = parse_coco(read_text(source.annotations), name);
    builder.traps().add(annotations.traps);
    builder.add_classes(annotations.classes);
    const ImageFinder& images = folder_of_coco(source, annotations, builder);
    std::vector<std::string> missing;
    for (const ImageAnnotation& annotation : annotations.images) {
      const path file = images.find(annotation.image_name);
      if (file.empty()) {
        missing.push_back(annotation.image_name);
        continue;
      }
      builder.add_image(source.split, file, annotation, text(name, ": image ", annotation.id));
    }
    refuse_missing(missing, text("image(s) of ", name, " that are not in ", images.folder().string()),
                   "put them there, or take them out of the annotations");
  }
}

}  // namespace

BoxSet read_box_set(const path& root) {
  if (!std::filesystem::is_directory(root)) {
    throw DataError(text("no folder ", root.string()), text("give a folder with ", kBoxLayouts));
  }
  const std::vector<BoxSource> sources = find_box_sources(root);
  if (sources.empty()) {
    throw DataError(text("no images with boxes in ", root.string()), text("give a folder with ", kBoxLayouts));
  }
  const auto is_other = [&](const BoxSource& source) { return source.kind != sources.front().kind; };
  if (const auto other = std::find_if(sources.begin(), sources.end(), is_other); other != sources.end()) {
    throw DataError(text(sources.front().annotations.string(), " and ", other->annotations.string(),
                         " are annotations of two kinds"),
                    "give a folder with one of them");
  }
  BoxBuilder builder;
  const bool is_voc = sources.front().kind == BoxSource::Kind::kVoc;
  if (is_voc) {
    add_voc(sources, builder);
  } else {
    add_coco(sources, builder);
  }
  return builder.finish(root, is_voc ? "boxes, VOC's XML" : "boxes, COCO's JSON");
}

}  // namespace lockstep::data
