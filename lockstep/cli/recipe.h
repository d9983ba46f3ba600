#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "lockstep/cli/options.h"

/// Recipes: the options of a run in a TOML file, one `key = value` a line ("batch_size = 32" for --batch-size).
namespace lockstep::cli {

/// All options with their present values and their help as comments. Read back, it gives the same values to the bit.
/// An optional that is not set stands as a comment.
std::string to_toml(const OptionTable& table);

/// Sets the options that the file names. Throws UsageError with file, line and key for broken TOML, unknown keys, wrong
/// types and values that are not allowed; DataError where the file cannot be read.
void apply_recipe(const OptionTable& table, const std::filesystem::path& path);

/// The present values by key, for the run log; null for an optional that is not set.
nlohmann::json to_json(const OptionTable& table);

/// An option with another value now than in a saved recipe.
struct Difference {
  std::string flag;
  Value saved;
  Value now;
  bool is_refused = false;  ///< a run does not resume with it
  std::string meaning;      ///< for the run, in words
};

/// Where the options differ from those of the run that the recipe was saved for. What the recipe does not name counts
/// as the default; an option that a run keeps where it is left out, and that is now left out, does not differ. Throws
/// like `apply_recipe`, but takes any value.
std::vector<Difference> compare_recipes(const OptionTable& now, const std::filesystem::path& saved_recipe);

/// Those that a run does not resume with.
std::vector<Difference> refused(const std::vector<Difference>& differences);

/// A table for a person: a heading, and a line for each difference with what it means. Nothing where there are none.
std::vector<std::string> to_table(const std::vector<Difference>& differences);

/// "--lr was 0.001, is 0.002; --epochs was 60, is 80", to stand in a one-line error.
std::string describe(const std::vector<Difference>& differences);

}  // namespace lockstep::cli
