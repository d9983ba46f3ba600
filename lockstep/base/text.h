#pragma once

#include <sstream>
#include <string>

namespace lockstep {

/// Joins its arguments, each as `operator<<` prints it, into one string.
template <typename... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream stream;
  (stream << ... << parts);
  return stream.str();
}

/// The text up to its first line break: what tells of an error whose message ends in a backtrace.
inline std::string first_line(const std::string& words) { return words.substr(0, words.find('\n')); }

}  // namespace lockstep
