#pragma once

#include <string>
#include <vector>

namespace lockstep::cli {

/// A table whose columns are as wide as they must be; the last one is as long as it is. All rows have as many cells.
std::string in_columns(const std::vector<std::vector<std::string>>& rows);

}  // namespace lockstep::cli
