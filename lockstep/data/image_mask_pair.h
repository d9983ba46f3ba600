#pragma once

#include <filesystem>
#include <string>

namespace lockstep::data {

/// A photograph and the mask that says where the object is.
struct ImageMaskPair {
  std::string name;
  std::filesystem::path image;
  std::filesystem::path mask;  ///< empty: no object is marked
};

}  // namespace lockstep::data
