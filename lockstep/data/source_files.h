#pragma once

#include <filesystem>
#include <string>

#include "lockstep/data/image_mask_pair.h"
#include "lockstep/data/pixel_cache.h"

namespace lockstep::data {

/// The state of the files of a sample now; zeros for one that is not there (reading it then says so).
FileStamp stamp_of(const ImageMaskPair& pair);

/// A file's absolute path, in one way of writing; empty for none. Links stay as they are.
std::string key_of(const std::filesystem::path& file);

}  // namespace lockstep::data
