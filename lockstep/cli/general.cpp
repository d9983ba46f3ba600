#include "lockstep/cli/general.h"

namespace lockstep::cli {

OptionTable GeneralOptions::table() {
  const std::string group = "Help and recipes";
  OptionTable table;
  table.add("--help", help_requested, "Show this text.", {.group = group, .aliases = {"-h"}});
  table.add("--recipe", recipe, "Take options from this TOML file; flags on the command line win over it.",
            {.group = group, .placeholder = "FILE"});
  table.add("--print-recipe", print_recipe_requested, "Print all options as they would be used, as a recipe, and end.",
            {.group = group});
  return table;
}

}  // namespace lockstep::cli
