#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace lockstep::data {

/// The images of a folder, to be found by the names that annotations give them.
class ImageFinder {
 public:
  explicit ImageFinder(std::filesystem::path folder);

  const std::filesystem::path& folder() const { return folder_; }

  /// The image of that name (which may have folders before it). Where there is none, the one of the same name but for
  /// its ending (.jpg, .JPG, .png) and for upper and lower case; empty where there is none either. Throws DataError
  /// where there are several.
  std::filesystem::path find(const std::string& name) const;

  /// The same for a name without its ending.
  std::filesystem::path find_stem(const std::string& stem) const;

  /// All images, but those in subfolders.
  const std::set<std::filesystem::path>& all() const { return all_; }

 private:
  std::filesystem::path folder_;
  std::set<std::filesystem::path> all_;
  std::map<std::string, std::vector<std::filesystem::path>> by_stem_;  ///< in lower case, without ending
};

}  // namespace lockstep::data
