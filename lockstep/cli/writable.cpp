#include "lockstep/cli/writable.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::cli {

void require_writable(const std::filesystem::path& file) {
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  if (std::filesystem::is_directory(file)) {
    throw MachineError(text("'", file.string(), "' is a folder, not a file to write"), "name a file");
  }
  if (!std::filesystem::is_directory(folder)) {
    throw MachineError(text("there is no folder '", folder.string(), "' for '", file.filename().string(), "'"),
                       "make it, or name another place");
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    throw MachineError(text("'", file.string(), "' cannot be written: ", std::strerror(errno)),
                       "name a place that can be written");
  }
}

}  // namespace lockstep::cli
