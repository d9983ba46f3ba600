#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "lockstep/cli/options.h"

namespace lockstep::cli {

/// What --help prints for a command ("lockstep train camouflage"): how to call it, what it does, and its flags by
/// heading, in lines of at most 100 letters.
std::string help_text(const OptionTable& table, const std::string& command, const std::string& description);

/// The same flags as Markdown: a heading and a table for each group.
std::string to_markdown(const OptionTable& table);

/// Breaks a text at spaces into lines of at most `width` letters; a longer word gets a line of its own.
std::vector<std::string> wrapped(const std::string& text, std::size_t width);

}  // namespace lockstep::cli
