#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace lockstep::data {

/// A volume and what stands in it.
struct VolumePair {
  std::string id;  ///< the files' name without ".tif"
  std::filesystem::path image;
  std::filesystem::path label;  ///< empty: not known
};

/// What a folder of volumes holds, sorted by id.
struct VolumeFolders {
  std::vector<VolumePair> train;                            ///< all with labels
  std::vector<VolumePair> test;                             ///< with labels, or without
  std::vector<std::filesystem::path> labels_without_image;  ///< left out
};

/// Finds train_images/ID.tif with train_labels/ID.tif and, where they are there, test_images and test_labels; ".tiff"
/// will do as well, in either case. Throws DataError for a missing or empty folder, images without a label (all of
/// them: how many, and the first ones' names), a test_labels folder that lacks some, and two files of one id.
VolumeFolders find_volumes(const std::filesystem::path& root);

/// The volumes of a folder (its test_images, if it has such a folder), or the one that `path` is, without labels.
/// Throws DataError where there is none.
std::vector<VolumePair> find_images_of_volumes(const std::filesystem::path& path);

/// Which volumes are held out of training.
struct HoldOutOptions {
  std::vector<std::string> ids{};  ///< these, if any are named
  double share = 0.2;              ///< else this share of them, one at least, drawn by the seed
  std::uint64_t seed = 0;

  void validate() const;
};

struct VolumeSplit {
  std::vector<VolumePair> training;
  std::vector<VolumePair> evaluation;
  std::string words;  ///< for the person who watches: "3 volumes to learn from, 1 in test_labels to evaluate on"
};

/// Test volumes with labels are the evaluation set, unless ids are named; else some training volumes are held out.
/// Throws DataError where nothing would be left to learn from, and UsageError for an id that is not there.
VolumeSplit split_volumes(const VolumeFolders& folders, const HoldOutOptions& options);

}  // namespace lockstep::data
