#pragma once

#include <string>
#include <string_view>

namespace lockstep {

/// Words of a stranger, as they may be shown: short, and without what a terminal would take for a command.
inline std::string printable(std::string_view words) {
  constexpr std::size_t kMost = 200;
  std::string shown(words.substr(0, kMost));
  for (char& c : shown) {
    c = c < 0x20 || c == 0x7f ? '?' : c;  // all but ASCII is below 0, too
  }
  return shown + (words.size() > kMost ? "…" : "");
}

}  // namespace lockstep
