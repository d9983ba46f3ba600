#pragma once

#include <string>
#include <vector>

#include "lockstep/base/error.h"

/// `lockstep checkpoint`: looks at the snapshots of a run, and changes nothing.
namespace lockstep::cli {

/// The flags, as Markdown.
std::string checkpoint_list_flags();
std::string checkpoint_verify_flags();
std::string checkpoint_show_flags();

/// Prints a line for each snapshot of a run.
ExitCode checkpoint_list(const std::string& command, const std::vector<std::string>& arguments);

/// Reads every byte of the snapshots and compares it with their manifests. Throws DataError where one is damaged.
ExitCode checkpoint_verify(const std::string& command, const std::vector<std::string>& arguments);

/// Prints the state of a snapshot, and what tensors it has. Throws DataError where it is damaged.
ExitCode checkpoint_show(const std::string& command, const std::vector<std::string>& arguments);

}  // namespace lockstep::cli
