#pragma once

#include <string>
#include <string_view>

namespace lockstep {

/// Words of a stranger, as they may be shown: short, and in ASCII without what a terminal would take for a command.
inline std::string printable(std::string_view words) {
  constexpr std::size_t kMost = 200;
  std::string shown(words.substr(0, kMost));
  for (char& c : shown) {
    const auto code = static_cast<unsigned char>(c);  // whether a char has a sign depends on the processor
    c = code < 0x20 || code >= 0x7f ? '?' : c;
  }
  return shown + (words.size() > kMost ? "…" : "");
}

}  // namespace lockstep
