#include "lockstep/data/folder_entries.h"

#include <algorithm>
#include <cctype>
#include <system_error>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::data {

using std::filesystem::path;

namespace {

bool is_shown_file(const path& file) {
  return !file.filename().string().starts_with('.') && std::filesystem::is_regular_file(file);
}

}  // namespace

std::string in_lower_case(std::string word) {
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return word;
}

std::vector<path> entries_of(const path& folder) {
  std::error_code error;
  std::vector<path> entries;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    entries.push_back(entry->path());
  }
  if (error) {
    throw DataError(text("cannot read the folder ", folder.string(), ": ", error.message()),
                    "check that it exists and that you may read it");
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

FilesByName files_by_name(const path& folder, bool (*is_wanted)(const path&)) {
  FilesByName files;
  for (const path& file : entries_of(folder)) {
    if (!is_wanted(file)) {
      continue;
    }
    const auto [other, is_new] = files.emplace(file.stem().string(), file);
    if (!is_new) {
      throw DataError(text(other->second.string(), " and ", file.filename().string(), " have the same name"),
                      "rename or remove one of them");
    }
  }
  return files;
}

std::string name_first(const std::vector<path>& files) {
  constexpr std::size_t kShown = 3;
  std::string names;
  for (std::size_t i = 0; i < std::min(files.size(), kShown); ++i) {
    names += (i > 0 ? ", " : "") + files[i].string();
  }
  return names + (files.size() > kShown ? ", …" : "");
}

std::optional<path> subfolder(const path& folder, const std::string& name) {
  for (const path& entry : entries_of(folder)) {
    if (in_lower_case(entry.filename().string()) == name && std::filesystem::is_directory(entry)) {
      return entry;
    }
  }
  return std::nullopt;
}

bool is_image_file(const path& file) {
  const std::string extension = in_lower_case(file.extension().string());
  return (extension == ".jpg" || extension == ".jpeg" || extension == ".png") && is_shown_file(file);
}

bool is_volume_file(const path& file) {
  const std::string extension = in_lower_case(file.extension().string());
  return (extension == ".tif" || extension == ".tiff") && is_shown_file(file);
}

}  // namespace lockstep::data
