#pragma once

#include <filesystem>

namespace lockstep::cli {

/// For what is written at the end of long work: throws MachineError at once where a file of that name could not be
/// written, since its folder is missing or closed, or since it is a folder itself.
void require_writable(const std::filesystem::path& file);

}  // namespace lockstep::cli
