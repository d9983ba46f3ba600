#include "lockstep/cli/answer.h"

#include <iostream>

#include "lockstep/cli/help.h"
#include "lockstep/cli/parse.h"
#include "lockstep/cli/recipe.h"

namespace lockstep::cli {

bool parse_or_answer(const OptionTable& table, const std::vector<std::string>& arguments, const std::string& command,
                     const std::string& description) {
  const GeneralOptions general = parse(table, arguments, command);
  if (general.help_requested) {
    std::cout << help_text(table, command, description);
  } else if (general.print_recipe_requested) {
    std::cout << to_toml(table);
  }
  return general.help_requested || general.print_recipe_requested;
}

}  // namespace lockstep::cli
