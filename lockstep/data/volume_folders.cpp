#include "lockstep/data/volume_folders.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <system_error>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/random.h"
#include "lockstep/base/text.h"
#include "lockstep/data/folder_entries.h"

namespace lockstep::data {
namespace {

using std::filesystem::path;

std::string layout() { return text("give a folder with ", kVolumeLayouts); }

FilesByName require_volumes(const path& folder) {
  if (!std::filesystem::is_directory(folder)) {
    throw DataError(text("no folder ", folder.string()), layout());
  }
  FilesByName files = files_by_name(folder, is_volume_file);
  if (files.empty()) {
    throw DataError(text("no volume (.tif, .tiff) in ", folder.string()), "put the volumes there, one file each");
  }
  return files;
}

void refuse_without_label(const std::vector<path>& images, const path& labels) {
  if (images.empty()) {
    return;
  }
  throw DataError(text(images.size(), " volume(s) without a label in ", labels.string(), ": ", name_first(images)),
                  "add labels of the same name, or remove the volumes");
}

/// Adds the labels without image to `orphans`.
std::vector<VolumePair> pair_up(const path& images, const path& labels, std::vector<path>& orphans) {
  FilesByName label_files =
      std::filesystem::is_directory(labels) ? files_by_name(labels, is_volume_file) : FilesByName{};
  std::vector<VolumePair> pairs;
  std::vector<path> without_label;
  for (const auto& [id, image] : require_volumes(images)) {
    const auto label = label_files.extract(id);
    if (label.empty()) {
      without_label.push_back(image);
    } else {
      pairs.push_back({id, image, label.mapped()});
    }
  }
  refuse_without_label(without_label, labels);
  for (const auto& [id, label] : label_files) {
    orphans.push_back(label);
  }
  return pairs;
}

std::vector<VolumePair> without_labels(const FilesByName& images) {
  std::vector<VolumePair> pairs;
  for (const auto& [id, image] : images) {
    pairs.push_back({id, image, {}});
  }
  return pairs;
}

/// The ids that are held out: those that are named, or so many drawn by the seed.
std::vector<std::string> ids_to_hold_out(const std::vector<VolumePair>& train, const HoldOutOptions& options) {
  std::vector<std::string> ids;
  for (const VolumePair& pair : train) {
    ids.push_back(pair.id);
  }
  for (const std::string& id : options.ids) {
    if (!std::ranges::binary_search(ids, id)) {
      throw UsageError(text("there is no volume '", id, "' among the training volumes to hold out"),
                       text("name one of theirs, such as '", ids.front(), "'"));
    }
  }
  if (!options.ids.empty()) {
    return options.ids;
  }
  constexpr std::uint32_t kHoldOut = 1;  // tells these numbers from those of other selections
  RandomStream random({.seed = options.seed, .purpose = Purpose::kSelection, .layer = kHoldOut});
  const auto wanted = static_cast<std::size_t>(std::lround(options.share * static_cast<double>(ids.size())));
  const std::size_t count = std::clamp<std::size_t>(wanted, 1, std::max<std::size_t>(ids.size() - 1, 1));
  for (std::size_t i = 0; i < count; ++i) {
    std::swap(ids[i], ids[i + random.below(ids.size() - i)]);
  }
  ids.resize(count);
  return ids;
}

}  // namespace

bool holds_volumes(const path& root) {
  std::error_code error;
  const std::filesystem::directory_iterator files(root / "train_images", error);
  return !error && std::ranges::any_of(files, [](const auto& entry) { return is_volume_file(entry.path()); });
}

VolumeFolders find_volumes(const path& root) {
  if (!std::filesystem::is_directory(root)) {
    throw DataError(text("no folder ", root.string()), layout());
  }
  VolumeFolders folders;
  folders.train = pair_up(root / "train_images", root / "train_labels", folders.labels_without_image);
  const path test = root / "test_images";
  if (std::filesystem::is_directory(root / "test_labels")) {
    folders.test = pair_up(test, root / "test_labels", folders.labels_without_image);
  } else if (std::filesystem::is_directory(test)) {
    folders.test = without_labels(require_volumes(test));
  }
  return folders;
}

std::vector<VolumePair> find_images_of_volumes(const path& location) {
  if (std::filesystem::is_regular_file(location)) {
    return {{location.stem().string(), location, {}}};
  }
  if (!std::filesystem::exists(location)) {
    throw DataError(text("there is no file or folder ", location.string()), "name a volume or a folder of volumes");
  }
  const path test = location / "test_images";
  return without_labels(require_volumes(std::filesystem::is_directory(test) ? test : location));
}

void HoldOutOptions::validate() const {
  if (!(share > 0 && share < 1)) {
    throw UsageError(text("a share of ", share, " of the volumes cannot be held out"),
                     "give a number between 0 and 1, such as 0.2");
  }
}

VolumeSplit split_volumes(const VolumeFolders& folders, const HoldOutOptions& options) {
  options.validate();
  VolumeSplit split;
  const bool has_tests = !folders.test.empty() && !folders.test.front().label.empty();
  if (has_tests && options.ids.empty()) {
    split = {folders.train, folders.test, "in test_labels"};
  } else {
    const std::vector<std::string> held_out = ids_to_hold_out(folders.train, options);
    for (const VolumePair& pair : folders.train) {
      const bool is_held_out = std::ranges::find(held_out, pair.id) != held_out.end();
      (is_held_out ? split.evaluation : split.training).push_back(pair);
    }
    split.words = "held out";
  }
  if (split.training.empty()) {
    throw DataError(text("of ", folders.train.size(), " training volume(s) none is left to learn from"),
                    "add volumes, add test_images with test_labels, or hold out fewer");
  }
  split.words = text(split.training.size(), " volume(s) to learn from, ", split.evaluation.size(), " ", split.words,
                     " to evaluate on");
  return split;
}

}  // namespace lockstep::data
