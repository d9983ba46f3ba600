#include "lockstep/cli/recipe.h"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "lockstep/base/files.h"
#include "lockstep/base/text.h"
#include "lockstep/cli/help.h"
#include "lockstep/cli/nearest.h"

namespace lockstep::cli {
namespace {

constexpr std::size_t kCommentWidth = 98;

struct Entry {
  const Option* option;
  Value value;
  std::string place;  ///< "recipe.toml:3: lr"
};

toml::table read_toml(const std::filesystem::path& path) {
  try {
    return toml::parse(read_text(path), path.string());
  } catch (const toml::parse_error& error) {
    throw UsageError(text(path.string(), ":", error.source().begin.line, ": ", error.description()),
                     "write one 'key = value' a line, texts in quotes");
  }
}

/// Nothing for what no option holds: tables, lists, dates.
Value value_of(const toml::node& node, Kind kind) {
  if (const auto* on = node.as_boolean()) {
    return on->get();
  }
  if (const auto* number = node.as_integer()) {
    // "lr = 1" is a number as good as "lr = 1.0".
    return kind == Kind::kReal ? Value(static_cast<double>(number->get())) : Value(number->get());
  }
  if (const auto* number = node.as_floating_point()) {
    return number->get();
  }
  if (const auto* words = node.as_string()) {
    return words->get();
  }
  return {};
}

const Option& option_of(const OptionTable& table, const std::string& key, const std::string& place) {
  const Option* option = table.find("--" + hyphenated(key));
  if (option != nullptr && option->traits.in_recipe) {
    return *option;
  }
  if (option != nullptr) {
    throw UsageError(place + " does not belong in a recipe", "give " + option->flag + " on the command line");
  }
  std::vector<std::string> keys;
  for (const Option& known : table.options()) {
    if (known.traits.in_recipe) {
      keys.push_back(known.key);
    }
  }
  throw UsageError(place + " is no option", suggestion(key, keys, "--print-recipe prints all of them"));
}

std::vector<Entry> read_entries(const OptionTable& table, const std::filesystem::path& path) {
  std::vector<Entry> entries;
  for (const auto& [name, node] : read_toml(path)) {
    const std::string key(name.str());
    const std::string place = text(path.string(), ":", name.source().begin.line, ": '", key, "'");
    const Option& option = option_of(table, key, place);
    const Value value = value_of(node, option.kind);
    if (std::holds_alternative<std::monostate>(value)) {
      throw UsageError(place + " cannot be a table, a list or a date", "give " + accepted_values(option));
    }
    entries.push_back({&option, value, place});
  }
  return entries;
}

std::string toml_literal(const Value& value) {
  std::ostringstream literal;
  std::visit(
      [&](const auto& content) {
        if constexpr (!std::is_same_v<std::decay_t<decltype(content)>, std::monostate>) {
          literal << toml::value(content);
        }
      },
      value);
  return literal.str();
}

std::string quoted_if_text(const Value& value) {
  return std::holds_alternative<std::string>(value) ? text("'", to_text(value), "'") : to_text(value);
}

/// Whether a run may resume with the other value.
bool give_same_result(const Option& option, const Value& one, const Value& other) {
  const auto& same = option.traits.same_result;
  const auto is_one = [&](const Value& value) {
    return std::find(same.begin(), same.end(), to_text(value)) != same.end();
  };
  return is_one(one) && is_one(other);
}

Difference difference(const Option& option, const Value& before, const Value& now) {
  if (option.traits.affects_result && !give_same_result(option, before, now)) {
    return {option.flag, before, now, true, "refused: it would be another run"};
  }
  const std::string& meaning = option.traits.on_resume;
  return {option.flag, before, now, false, meaning.empty() ? "changes no number" : meaning};
}

/// Characters as a person counts them, of UTF-8.
std::size_t width_of(const std::string& words) {
  return static_cast<std::size_t>(std::ranges::count_if(words, [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::string to_toml(const OptionTable& table) {
  std::ostringstream out;
  for (const auto& [heading, options] : table.groups()) {
    std::string section;
    for (const Option* option : options) {
      if (!option->traits.in_recipe) {
        continue;
      }
      for (const std::string& line : wrapped(explanation(*option), kCommentWidth)) {
        section.append("# ").append(line).append("\n");
      }
      const Value value = option->get();
      const bool is_set = !std::holds_alternative<std::monostate>(value);
      section.append(is_set ? "" : "# ").append(option->key).append(" = ").append(toml_literal(value)).append("\n");
    }
    if (!section.empty()) {
      out << "## " << heading << "\n\n" << section << "\n";
    }
  }
  return out.str();
}

void apply_recipe(const OptionTable& table, const std::filesystem::path& path) {
  for (const Entry& entry : read_entries(table, path)) {
    assign(*entry.option, entry.value, entry.place);
  }
}

nlohmann::json to_json(const OptionTable& table) {
  nlohmann::json json = nlohmann::json::object();
  for (const Option& option : table.options()) {
    if (!option.traits.in_recipe) {
      continue;
    }
    nlohmann::json& entry = json[option.key];
    std::visit(
        [&](const auto& content) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(content)>, std::monostate>) {
            entry = content;
          }
        },
        option.get());
  }
  return json;
}

std::vector<Difference> compare_recipes(const OptionTable& now, const std::filesystem::path& saved_recipe) {
  const std::vector<Entry> saved = read_entries(now, saved_recipe);
  std::vector<Difference> differences;
  for (const Option& option : now.options()) {
    if (!option.traits.in_recipe) {
      continue;
    }
    const auto entry =
        std::find_if(saved.begin(), saved.end(), [&](const Entry& one) { return one.option == &option; });
    const Value before = entry == saved.end() ? option.initial : entry->value;
    const Value present = option.get();
    const bool is_kept = option.traits.kept_by_run && present == option.initial;
    if (before != present && !is_kept) {
      differences.push_back(difference(option, before, present));
    }
  }
  return differences;
}

std::vector<Difference> refused(const std::vector<Difference>& differences) {
  std::vector<Difference> some;
  std::ranges::copy_if(differences, std::back_inserter(some), &Difference::is_refused);
  return some;
}

std::vector<std::string> to_table(const std::vector<Difference>& differences) {
  if (differences.empty()) {
    return {};
  }
  std::vector<std::array<std::string, 4>> rows{{"option", "was", "is", "for the run"}};
  for (const Difference& one : differences) {
    const auto shown = [](const Value& value) { return to_text(value).empty() ? "''" : to_text(value); };
    rows.push_back({one.flag, shown(one.saved), shown(one.now), one.meaning});
  }
  std::vector<std::string> lines(rows.size());
  for (std::size_t column = 0; column < rows.front().size(); ++column) {
    std::size_t widest = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      lines[i] += rows[i][column];
      widest = std::max(widest, width_of(lines[i]));
    }
    constexpr std::size_t kGap = 2;
    for (std::size_t i = 0; i < rows.size() && column + 1 < rows.front().size(); ++i) {
      lines[i].append(widest + kGap - width_of(lines[i]), ' ');
    }
  }
  return lines;
}

std::string describe(const std::vector<Difference>& differences) {
  std::string list;
  for (const Difference& difference : differences) {
    list += (list.empty() ? "" : "; ") + difference.flag + " was " + quoted_if_text(difference.saved) + ", is " +
            quoted_if_text(difference.now);
  }
  return list;
}

}  // namespace lockstep::cli
