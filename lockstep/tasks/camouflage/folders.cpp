#include "lockstep/tasks/camouflage/folders.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/random.h"
#include "lockstep/base/text.h"
#include "lockstep/data/folder_entries.h"

namespace lockstep::tasks::camouflage {
namespace {

using data::ImageMaskPair;
using std::filesystem::path;

struct Layout {
  const char* images;
  const char* masks;
  const char* words;
};

constexpr Layout kKnownLayouts[] = {{"image", "gt_object", "COD10K"}, {"images", "masks", "images and masks"}};

bool is_negative(const std::string& name) { return name.find("NonCAM") != std::string::npos; }

void refuse_without_mask(const std::vector<path>& images, const path& masks) {
  if (images.empty()) {
    return;
  }
  throw DataError(text(images.size(), " image(s) without a mask in ", masks.string(), ": ", data::name_first(images)),
                  "add masks of the same name, or remove the images");
}

struct SplitFolders {
  path images;
  path masks;
  const char* words;
};

std::optional<SplitFolders> find_split(const path& folder) {
  for (const Layout& layout : kKnownLayouts) {
    const std::optional<path> images = data::subfolder(folder, layout.images);
    const std::optional<path> masks = data::subfolder(folder, layout.masks);
    if (images && masks) {
      return SplitFolders{*images, *masks, layout.words};
    }
  }
  return std::nullopt;
}

SplitFolders require_split(const path& folder) {
  const std::optional<SplitFolders> split = find_split(folder);
  if (!split) {
    throw DataError(text("no images with masks in ", folder.string()), text("give a folder with ", kLayouts));
  }
  return *split;
}

/// Adds the masks without image to `orphans`.
std::vector<ImageMaskPair> pair_up(const SplitFolders& split, bool with_negatives, std::vector<path>& orphans) {
  data::FilesByName masks = data::files_by_name(split.masks, data::is_image_file);
  std::vector<ImageMaskPair> pairs;
  std::vector<path> without_mask;
  for (const auto& [name, image] : data::files_by_name(split.images, data::is_image_file)) {
    const auto mask = masks.extract(name);
    if (is_negative(name) && !with_negatives) {
      continue;
    }
    if (!mask && !is_negative(name)) {
      without_mask.push_back(image);
    }
    pairs.push_back({name, image, mask ? mask.mapped() : path()});
  }
  refuse_without_mask(without_mask, split.masks);
  if (pairs.empty()) {
    throw DataError(text("no image (.jpg, .jpeg, .png) in ", split.images.string()), "put the photographs there");
  }
  for (const auto& [name, mask] : masks) {
    if (with_negatives || !is_negative(name)) {
      orphans.push_back(mask);
    }
  }
  return pairs;
}

/// FNV-1a, stirred by Philox since names that differ in their last letter alone would stay neighbours.
std::uint64_t hash_of(const std::string& name) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char letter : name) {
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3U;
  }
  const auto bits = philox({static_cast<std::uint32_t>(hash), static_cast<std::uint32_t>(hash >> 32), 0, 0}, {0, 0});
  return (std::uint64_t{bits[0]} << 32) | bits[1];
}

/// Moves the fifth of the training images with the lowest hashes, one at least, to the test set.
void hold_out(Folders& folders) {
  constexpr std::size_t kPart = 5;
  if (folders.train.size() < 2) {
    throw DataError(text("only one image, ", folders.train[0].image.string(), ", and no test set"),
                    "add images, or a folder of tests beside the training images");
  }
  std::vector<ImageMaskPair> all = std::move(folders.train);
  std::sort(all.begin(), all.end(), [](const ImageMaskPair& left, const ImageMaskPair& right) {
    return std::pair(hash_of(left.name), left.name) < std::pair(hash_of(right.name), right.name);
  });
  const auto cut = all.begin() + static_cast<std::ptrdiff_t>((all.size() + kPart - 1) / kPart);
  folders.test.assign(all.begin(), cut);
  folders.train.assign(cut, all.end());
  const auto by_name = [](const ImageMaskPair& left, const ImageMaskPair& right) { return left.name < right.name; };
  std::sort(folders.train.begin(), folders.train.end(), by_name);
  std::sort(folders.test.begin(), folders.test.end(), by_name);
  folders.layout += ", 20 % of them held out as test set";
}

}  // namespace

Folders find_folders(const path& root, bool with_negatives, bool holds_out) {
  if (!std::filesystem::is_directory(root)) {
    throw DataError(text("no folder ", root.string()), text("give a folder with ", kLayouts));
  }
  const std::optional<path> train_folder = data::subfolder(root, "train");
  const std::optional<path> test_folder = data::subfolder(root, "test");
  const SplitFolders train = require_split(train_folder.value_or(root));
  Folders folders;
  folders.layout = train.words;
  folders.train = pair_up(train, with_negatives, folders.masks_without_image);
  if (test_folder) {
    folders.test = pair_up(require_split(*test_folder), with_negatives, folders.masks_without_image);
    folders.layout += ", train and test";
  } else if (holds_out) {
    hold_out(folders);
  } else {
    folders.test = folders.train;
    folders.layout += ", all of them test set";
  }
  return folders;
}

bool holds_masks(const path& root) { return find_split(data::subfolder(root, "train").value_or(root)).has_value(); }

std::vector<ImageMaskPair> find_images(const path& location) {
  if (std::filesystem::is_regular_file(location)) {
    return {{location.stem().string(), location, {}}};
  }
  if (!std::filesystem::exists(location)) {
    throw DataError(text("there is no file or folder ", location.string()), "name an image or a folder of images");
  }
  std::vector<ImageMaskPair> pairs;
  for (const auto& [name, image] : data::files_by_name(location, data::is_image_file)) {
    pairs.push_back({name, image, {}});
  }
  if (pairs.empty()) {
    throw DataError(text("no image (.jpg, .jpeg, .png) in ", location.string()), "name an image or a folder of images");
  }
  return pairs;
}

}  // namespace lockstep::tasks::camouflage
