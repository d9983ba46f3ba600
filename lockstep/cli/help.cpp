#include "lockstep/cli/help.h"

#include <sstream>

#include "lockstep/base/text.h"
#include "lockstep/cli/general.h"

namespace lockstep::cli {
namespace {

constexpr std::size_t kWidth = 100;
constexpr std::size_t kHelpColumn = 34;

/// "--batch-size N", "--[no-]ema" where the switch is on by default, "--help, -h".
std::string synopsis(const Option& option) {
  const bool switch_to_turn_off = option.kind == Kind::kSwitch && option.initial == Value(true) && !option.always_on;
  std::string synopsis = switch_to_turn_off ? "--[no-]" + option.flag.substr(2) : option.flag;
  for (const std::string& alias : option.traits.aliases) {
    synopsis += ", " + alias;
  }
  return option.kind == Kind::kSwitch ? synopsis : synopsis + " " + option.traits.placeholder;
}

void print_option(std::ostream& out, const Option& option) {
  std::string left = "  " + synopsis(option);
  for (const std::string& line : wrapped(explanation(option), kWidth - kHelpColumn)) {
    // A flag too long for its column keeps a line to itself.
    if (left.size() + 2 > kHelpColumn) {
      out << left << "\n";
      left.clear();
    }
    out << left << std::string(kHelpColumn - left.size(), ' ') << line << "\n";
    left.clear();
  }
}

/// Groups without what is hidden; those left empty are left out.
std::vector<OptionTable::Group> visible_groups(const OptionTable& table) {
  std::vector<OptionTable::Group> groups = table.groups();
  for (auto& [heading, options] : groups) {
    std::erase_if(options, [](const Option* option) { return option->traits.hidden; });
  }
  std::erase_if(groups, [](const OptionTable::Group& group) { return group.second.empty(); });
  return groups;
}

std::string escaped_for_table(const std::string& words) {
  std::string escaped;
  for (const char letter : words) {
    escaped += letter == '|' ? "\\|" : std::string(1, letter);
  }
  return escaped;
}

}  // namespace

std::string help_text(const OptionTable& table, const std::string& command, const std::string& description) {
  std::ostringstream out;
  out << "Usage: " << command << " [flags]\n\n";
  for (const std::string& line : wrapped(description, kWidth)) {
    out << line << "\n";
  }
  GeneralOptions general;
  const OptionTable general_table = general.table();
  for (const OptionTable* each : {&table, &general_table}) {
    for (const auto& [heading, options] : visible_groups(*each)) {
      out << "\n" << heading << "\n";
      for (const Option* option : options) {
        print_option(out, *option);
      }
    }
  }
  return out.str();
}

std::string to_markdown(const OptionTable& table) {
  std::ostringstream out;
  for (const auto& [heading, options] : visible_groups(table)) {
    out << "### " << heading << "\n\n| Flag | Meaning |\n| --- | --- |\n";
    for (const Option* option : options) {
      out << "| `" << escaped_for_table(synopsis(*option)) << "` | " << escaped_for_table(explanation(*option))
          << " |\n";
    }
    out << "\n";
  }
  return out.str();
}

std::vector<std::string> wrapped(const std::string& text, std::size_t width) {
  std::vector<std::string> lines;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (lines.empty() || lines.back().size() + 1 + word.size() > width) {
      lines.push_back(word);
    } else {
      lines.back() += " " + word;
    }
  }
  return lines;
}

}  // namespace lockstep::cli
