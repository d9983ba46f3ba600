#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lockstep::data {

/// A folder of VOC's XML files, or a file of COCO's JSON.
struct BoxSource {
  enum class Kind { kVoc, kCoco };

  Kind kind = Kind::kVoc;
  std::filesystem::path annotations;
  std::vector<std::filesystem::path> image_folders;  ///< where the images may lie, the likeliest first; never empty
  std::string split;                                 ///< by the names of folder or file; "all" where they say nothing
};

/// The layouts in which annotations are found, in words that follow "give a folder with".
inline constexpr const char* kBoxLayouts =
    "Annotations/*.xml and JPEGImages (VOC, with ImageSets/Main/*.txt or without), with images and their .xml side by "
    "side (also in train, valid and test), with _annotations.coco.json beside the images, or with "
    "annotations/instances_*.json (COCO) and folders of images";

/// Finds them in a folder and up to three folders deep, sorted. Empty where there are none.
std::vector<BoxSource> find_box_sources(const std::filesystem::path& root);

/// Whether there are any: whether a folder is a dataset with boxes.
bool holds_boxes(const std::filesystem::path& root);

/// The split that a folder's or a file's name speaks of, or empty: "train" for "train", "Training", "train_zip" and
/// "train2017"; "valid" for "val", too.
std::string split_of_name(const std::string& name);

}  // namespace lockstep::data
