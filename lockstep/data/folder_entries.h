#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lockstep::data {

/// A word with its Latin letters in lower case.
std::string in_lower_case(std::string word);

/// What a folder holds, sorted. Throws DataError where it cannot be read.
std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder);

using FilesByName = std::map<std::string, std::filesystem::path>;

/// The files of a folder that are wanted, by their names without the extension. Throws DataError where two have the
/// same one.
FilesByName files_by_name(const std::filesystem::path& folder, bool (*is_wanted)(const std::filesystem::path&));

/// "a.png, b.png, c.png, …": the first few.
std::string name_first(const std::vector<std::filesystem::path>& files);

/// The folder of that name (given in lower case; its own case does not matter) in another one.
std::optional<std::filesystem::path> subfolder(const std::filesystem::path& folder, const std::string& name);

/// Whether a path is a file that, by its name, is a photograph or a mask: .jpg, .jpeg, .png in either case, not hidden.
bool is_image_file(const std::filesystem::path& file);

/// Whether it is one that, by its name, is a volume: .tif, .tiff.
bool is_volume_file(const std::filesystem::path& file);

}  // namespace lockstep::data
