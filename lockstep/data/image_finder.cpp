#include "lockstep/data/image_finder.h"

#include <algorithm>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/data/folder_entries.h"

namespace lockstep::data {

using std::filesystem::path;

ImageFinder::ImageFinder(path folder) : folder_(std::move(folder)) {
  for (const path& file : entries_of(folder_)) {
    if (is_image_file(file)) {
      all_.insert(file);
      by_stem_[in_lower_case(file.stem().string())].push_back(file);
    }
  }
}

path ImageFinder::find(const std::string& name) const {
  std::string with_slashes = name;
  std::replace(with_slashes.begin(), with_slashes.end(), '\\', '/');
  const path wanted = path(with_slashes).lexically_normal();
  if (all_.contains(folder_ / wanted)) {
    return folder_ / wanted;
  }
  const bool leads_out = wanted.is_absolute() || (!wanted.empty() && *wanted.begin() == "..");
  if (!leads_out && wanted.has_parent_path() && is_image_file(folder_ / wanted)) {
    return folder_ / wanted;
  }
  const path last = wanted.filename();
  return all_.contains(folder_ / last) ? folder_ / last : find_stem(last.stem().string());
}

path ImageFinder::find_stem(const std::string& stem) const {
  const auto found = by_stem_.find(in_lower_case(stem));
  if (found == by_stem_.end()) {
    return {};
  }
  if (found->second.size() > 1) {
    throw DataError(text(found->second[0].string(), " and ", found->second[1].filename().string(),
                         " could both be the image of the annotation '", stem, "'"),
                    "rename or remove one of them");
  }
  return found->second.front();
}

}  // namespace lockstep::data
