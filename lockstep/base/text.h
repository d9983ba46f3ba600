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

}  // namespace lockstep
