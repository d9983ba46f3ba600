#include "lockstep/base/comma_list.h"

#include <algorithm>

namespace lockstep {

std::vector<std::string> split_at_commas(const std::string& words) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (!words.empty() && begin <= words.size()) {
    const std::size_t end = std::min(words.find(',', begin), words.size());
    const std::size_t first = std::min(words.find_first_not_of(' ', begin), end);
    const std::size_t last = words.find_last_not_of(' ', end - (end > 0 ? 1 : 0));
    parts.push_back(first == end ? "" : words.substr(first, std::min(last + 1, end) - first));
    begin = end + 1;
  }
  return parts;
}

}  // namespace lockstep
