#pragma once

#include <string>
#include <vector>

namespace lockstep {

/// Words between commas, without the blanks around them; none of an empty text.
std::vector<std::string> split_at_commas(const std::string& words);

}  // namespace lockstep
