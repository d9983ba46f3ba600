#include "lockstep/data/folder_entries.h"

#include <algorithm>
#include <cctype>
#include <system_error>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::data {

using std::filesystem::path;

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
  return !file.filename().string().starts_with('.') &&
         (extension == ".jpg" || extension == ".jpeg" || extension == ".png") && std::filesystem::is_regular_file(file);
}

}  // namespace lockstep::data
