#include "lockstep/data/box_sources.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

#include "lockstep/data/folder_entries.h"

namespace lockstep::data {
namespace {

using std::filesystem::path;

constexpr int kDeepest = 3;

/// What matters of a folder.
struct Listing {
  std::vector<path> folders;
  std::vector<path> coco_files;
  bool has_xml = false;
  bool has_images = false;
};

bool is_coco_name(const std::string& name) {
  return name.starts_with("instances") || name.ends_with(".coco.json") || name == "annotations.json";
}

Listing list(const path& folder) {
  Listing listing;
  for (const path& entry : entries_of(folder)) {
    const std::string name = in_lower_case(entry.filename().string());
    const std::string ending = in_lower_case(entry.extension().string());
    if (name.starts_with('.')) {
      continue;
    }
    if (ending == ".xml" || (ending == ".json" && is_coco_name(name))) {
      if (std::filesystem::is_regular_file(entry)) {
        listing.has_xml = listing.has_xml || ending == ".xml";
        if (ending == ".json") {
          listing.coco_files.push_back(entry);
        }
      }
    } else if (is_image_file(entry)) {
      listing.has_images = true;
    } else if (std::filesystem::is_directory(entry)) {
      listing.folders.push_back(entry);
    }
  }
  return listing;
}

/// By the folders between root and source, the first one that says it.
std::string split_of_folders(const path& root, const path& folder) {
  for (const path& part : folder.lexically_relative(root)) {
    if (std::string split = split_of_name(part.string()); !split.empty()) {
      return split;
    }
  }
  return "";
}

void add_if_folder(std::vector<path>& folders, const path& folder) {
  if (std::filesystem::is_directory(folder) && std::find(folders.begin(), folders.end(), folder) == folders.end()) {
    folders.push_back(folder);
  }
}

/// The folder itself if it has images, else those that stand for it beside a folder of annotations:
/// Annotations/train → JPEGImages/train, images/train.
std::vector<path> folders_of_voc(const path& root, const path& folder, bool has_images) {
  if (has_images) {
    return {folder};
  }
  std::vector<path> found;
  path below;
  path above = folder;
  for (int level = 0; level < 2 && above != root; ++level) {
    const path parent = above.parent_path();
    for (const char* name : {"jpegimages", "images", "img"}) {
      if (const std::optional<path> images = subfolder(parent, name)) {
        add_if_folder(found, below.empty() ? *images : *images / below);
      }
    }
    below = below.empty() ? above.filename() : above.filename() / below;
    above = parent;
  }
  return found;
}

/// Beside the file; in a folder of the name behind "instances_"; in images, or in a folder of the split's name, there
/// or one folder up, but not above the root.
std::vector<path> folders_of_coco(const path& root, const path& file, bool has_images) {
  const path here = file.parent_path();
  const path above = here == root ? here : here.parent_path();
  std::vector<path> found;
  if (has_images) {
    found.push_back(here);
  }
  const std::string stem = file.stem().string();
  const std::size_t cut = stem.find('_');
  const std::string behind = cut == std::string::npos ? "" : stem.substr(cut + 1);
  for (const path& base : {above, here}) {
    for (const std::string& name : {behind, split_of_name(behind)}) {
      if (!name.empty()) {
        add_if_folder(found, base / name);
        add_if_folder(found, base / "images" / name);
      }
    }
    add_if_folder(found, base / "images");
    add_if_folder(found, base / "JPEGImages");
  }
  add_if_folder(found, above);  // names that begin with a folder
  return found;
}

void search(const path& root, const path& folder, int depth, std::vector<BoxSource>& sources) {
  const Listing listing = list(folder);
  const std::string split = split_of_folders(root, folder);
  if (listing.has_xml) {
    std::vector<path> images = folders_of_voc(root, folder, listing.has_images);
    if (!images.empty()) {
      sources.push_back({BoxSource::Kind::kVoc, folder, std::move(images), split.empty() ? "all" : split});
    }
  }
  for (const path& file : listing.coco_files) {
    const std::string stem = file.stem().string();
    const std::size_t cut = stem.find('_');
    const std::string own = cut == std::string::npos ? "" : split_of_name(stem.substr(cut + 1));
    const std::string& named = own.empty() ? split : own;
    sources.push_back(
        {BoxSource::Kind::kCoco, file, folders_of_coco(root, file, listing.has_images), named.empty() ? "all" : named});
  }
  for (const path& inner : listing.folders) {
    if (depth < kDeepest) {
      search(root, inner, depth + 1, sources);
    }
  }
}

}  // namespace

std::string split_of_name(const std::string& name) {
  const std::string lower = in_lower_case(name);
  const auto end =
      std::find_if(lower.begin(), lower.end(), [](unsigned char letter) { return std::isalpha(letter) == 0; });
  const std::string word(lower.begin(), end);
  constexpr std::array<std::pair<const char*, const char*>, 8> kWords{{{"train", "train"},
                                                                       {"training", "train"},
                                                                       {"trainval", "train"},
                                                                       {"val", "valid"},
                                                                       {"valid", "valid"},
                                                                       {"validation", "valid"},
                                                                       {"test", "test"},
                                                                       {"testing", "test"}}};
  for (const auto& [known, split] : kWords) {
    if (word == known) {
      return split;
    }
  }
  return "";
}

std::vector<BoxSource> find_box_sources(const path& root) {
  std::vector<BoxSource> sources;
  const path top = root.has_filename() ? root : root.parent_path();  // "set/" is "set"
  search(top, top, 0, sources);
  return sources;
}

bool holds_boxes(const path& root) { return !find_box_sources(root).empty(); }

}  // namespace lockstep::data
