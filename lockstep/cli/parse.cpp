#include "lockstep/cli/parse.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/cli/nearest.h"
#include "lockstep/cli/recipe.h"

namespace lockstep::cli {
namespace {

/// CLI11 splits the arguments into flags and their texts; what the texts mean is for the table to say, so that errors
/// read alike wherever a value comes from.
class CommandLine {
 public:
  CommandLine(const std::vector<const OptionTable*>& tables, std::string command) : command_(std::move(command)) {
    app_.set_help_flag();
    app_.allow_extras();
    for (const OptionTable* table : tables) {
      for (const Option& option : table->options()) {
        found_.emplace_back(&option, declare(option));
      }
    }
  }

  void read(const std::vector<std::string>& arguments) {
    // CLI11 takes the arguments from the back.
    std::vector<std::string> reversed;
    for (auto argument = arguments.rbegin(); argument != arguments.rend(); ++argument) {
      reversed.push_back(with_hyphens(*argument));
    }
    try {
      app_.parse(std::move(reversed));
    } catch (const CLI::ParseError& error) {
      throw UsageError(error.what(), see_help());
    }
  }

  /// Throws where an argument is neither a flag nor a flag's value.
  void refuse_leftovers() const {
    const std::vector<std::string> leftovers = app_.remaining();
    if (leftovers.empty()) {
      return;
    }
    const std::string& first = leftovers.front();
    if (!first.starts_with("-")) {
      throw UsageError(text("'", first, "' belongs to no flag"), "switches take no value; " + see_help());
    }
    const std::string flag = first.substr(0, first.find('='));
    throw UsageError(text("unknown flag '", flag, "'"), suggestion(flag, flags(), see_help()));
  }

  void assign_to(const OptionTable& table) const {
    for (const Option& option : table.options()) {
      if (const std::vector<std::string> given = texts_of(option); !given.empty()) {
        take(option, given);
      }
    }
  }

  /// Throws for an option of the arguments or of a recipe that has no effect, since the one that it needs is off. A
  /// recipe that was printed has all defaults, which do not count as given.
  void refuse_without_effect(const OptionTable& table) const {
    for (const Option& option : table.options()) {
      const std::string& needed = option.traits.needs;
      if (needed.empty() || (texts_of(option).empty() && option.get() == option.initial)) {
        continue;
      }
      if (is_off(table.find(needed)->get())) {
        throw UsageError(text(option.flag, " has no effect without ", needed),
                         text("give ", needed, ", or leave out ", option.flag));
      }
    }
  }

 private:
  CLI::Option* declare(const Option& option) {
    std::vector<std::string> names = option.traits.aliases;
    names.push_back(option.flag);
    std::string list;
    for (const std::string& name : names) {
      list += (list.empty() ? "" : ",") + name;
      if (option.kind == Kind::kSwitch && name.starts_with("--")) {
        list += ",!--no-" + name.substr(2);
      }
    }
    if (option.kind == Kind::kSwitch) {
      return app_.add_flag(list);
    }
    // A flag without its value is let through as an empty text, to be refused in our own words.
    return app_.add_option(list)->expected(0, 1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }

  /// What stands behind the flags of the option, one text for each time that it is given.
  std::vector<std::string> texts_of(const Option& option) const {
    return std::ranges::find(found_, &option, [](const auto& one) { return one.first; })->second->results();
  }

  static std::string with_hyphens(const std::string& argument) {
    if (!argument.starts_with("--")) {
      return argument;
    }
    const std::size_t end = std::min(argument.find('='), argument.size());
    return hyphenated(argument.substr(0, end)) + argument.substr(end);
  }

  static void take(const Option& option, const std::vector<std::string>& given) {
    const std::string& last = given.back();
    if (last.empty()) {
      throw UsageError(option.flag + " has no value", "give " + accepted_values(option));
    }
    assign_text(option, last, option.flag);
    if (given.size() > 1) {
      log::info(text(option.flag, " given ", given.size() == 2 ? "twice" : std::to_string(given.size()) + " times",
                     ": ", last, " is taken"));
    }
    if (option.always_on) {
      if (last != "true") {
        throw UsageError(option.flag + " cannot be switched off", "leave it out");
      }
      log::info(option.flag + " is always on: it can be left out");
    }
  }

  std::vector<std::string> flags() const {
    std::vector<std::string> flags;
    for (const auto& [option, unused] : found_) {
      flags.push_back(option->flag);
      flags.insert(flags.end(), option->traits.aliases.begin(), option->traits.aliases.end());
    }
    return flags;
  }

  std::string see_help() const { return "'" + command_ + " --help' lists the flags"; }

  std::string command_;
  CLI::App app_;
  std::vector<std::pair<const Option*, CLI::Option*>> found_;
};

}  // namespace

GeneralOptions parse(const OptionTable& table, const std::vector<std::string>& arguments, const std::string& command) {
  GeneralOptions general;
  const OptionTable general_table = general.table();
  CommandLine line({&table, &general_table}, command);
  line.read(arguments);
  line.assign_to(general_table);
  if (general.help_requested) {
    return general;
  }
  line.refuse_leftovers();
  if (!general.recipe.empty()) {
    apply_recipe(table, general.recipe);
  }
  line.assign_to(table);
  line.refuse_without_effect(table);
  return general;
}

}  // namespace lockstep::cli
