#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lockstep/data/image_mask_dataset.h"

namespace lockstep::tasks::camouflage {

/// What a dataset's folder holds, sorted by name.
struct Folders {
  std::vector<data::ImageMaskPair> train;
  std::vector<data::ImageMaskPair> test;
  std::string layout;                                      ///< in words, for the person who watches
  std::vector<std::filesystem::path> masks_without_image;  ///< left out
};

/// Finds images (JPEG, PNG) and their masks, matched by file name without extension, in the layout of COD10K
/// (Train/Image with Train/GT_Object, and Test likewise), in train/images with train/masks and test likewise, or in
/// images with masks alone; upper and lower case of folders do not matter. Where no test set is there, a fifth of the
/// images is held out as one (which, depends on their names alone), or with `holds_out` false all are the test set too.
/// COD10K's photographs without a camouflaged object
/// ("NonCAM" in their names) come in only `with_negatives`; such a one needs no mask.
/// Throws DataError for a missing folder, an image without mask, and two files that differ only in their extension.
Folders find_folders(const std::filesystem::path& root, bool with_negatives, bool holds_out = true);

/// The layouts in words, behind "give a folder with".
inline constexpr const char* kLayouts =
    "Train/Image and Train/GT_Object (as COD10K), with train/images and train/masks, or with images and masks";

/// Whether a folder has one of these layouts, whatever its files are.
bool holds_masks(const std::filesystem::path& root);

/// The images of a folder, or the one that `path` is, without masks. Throws DataError where there is none.
std::vector<data::ImageMaskPair> find_images(const std::filesystem::path& path);

}  // namespace lockstep::tasks::camouflage
