#pragma once

#include <filesystem>

#include "lockstep/cli/options.h"

namespace lockstep::cli {

/// The options that every command has.
struct GeneralOptions {
  bool help_requested = false;          ///< --help, -h
  bool print_recipe_requested = false;  ///< --print-recipe
  std::filesystem::path recipe;         ///< --recipe; empty where none was given

  /// Their table, which sets this object.
  OptionTable table();
};

}  // namespace lockstep::cli
