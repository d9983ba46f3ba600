#include "lockstep/cli/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>

#include "lockstep/base/text.h"

namespace lockstep::cli {
namespace {

template <typename T>
std::optional<T> read_number(const std::string& given) {
  T number{};
  const char* end = given.data() + given.size();
  const auto [stop, error] = std::from_chars(given.data(), end, number);
  if (error != std::errc{} || stop != end) {
    return std::nullopt;
  }
  return number;
}

/// Nothing where the text is not of the option's kind.
Value read_text_as(Kind kind, const std::string& given) {
  switch (kind) {
    case Kind::kSwitch:
      if (given == "true" || given == "on") {
        return true;
      }
      return given == "false" || given == "off" ? Value(false) : Value();
    case Kind::kInteger: {
      const auto number = read_number<std::int64_t>(given);
      return number ? Value(*number) : Value();
    }
    case Kind::kReal: {
      const auto number = read_number<double>(given);
      return number ? Value(*number) : Value();
    }
    case Kind::kText:
    case Kind::kPath:
      return given;
  }
  return {};
}

bool is_of_kind(Kind kind, const Value& value) {
  switch (kind) {
    case Kind::kSwitch:
      return std::holds_alternative<bool>(value);
    case Kind::kInteger:
      return std::holds_alternative<std::int64_t>(value);
    case Kind::kReal:
      return std::holds_alternative<double>(value) && std::isfinite(std::get<double>(value));
    case Kind::kText:
    case Kind::kPath:
      return std::holds_alternative<std::string>(value);
  }
  return false;
}

bool fits_variable(const Option& option, const Value& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  return number == nullptr || (*number >= option.lowest && *number <= option.highest);
}

bool fits_range(const OptionTraits& traits, double number) {
  const bool high_enough = !traits.minimum || number > traits.minimum->value ||
                           (traits.minimum->inclusive && number == traits.minimum->value);
  const bool low_enough = !traits.maximum || number < traits.maximum->value ||
                          (traits.maximum->inclusive && number == traits.maximum->value);
  return high_enough && low_enough;
}

bool is_accepted(const Option& option, const Value& value) {
  if (value == option.initial) {
    return true;
  }
  const auto& allowed = option.traits.allowed;
  if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), to_text(value)) == allowed.end()) {
    return false;
  }
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    return fits_range(option.traits, static_cast<double>(*number));
  }
  if (const auto* number = std::get_if<double>(&value)) {
    return fits_range(option.traits, *number);
  }
  return true;
}

std::string range_text(const OptionTraits& traits) {
  std::string range;
  if (traits.minimum) {
    range = (traits.minimum->inclusive ? "at least " : "above ") + to_text(traits.minimum->value);
  }
  if (traits.maximum) {
    range += range.empty() ? "" : " and ";
    range += (traits.maximum->inclusive ? "at most " : "below ") + to_text(traits.maximum->value);
  }
  return range;
}

[[noreturn]] void refuse(const Option& option, const std::string& given, const std::string& name) {
  throw UsageError(text(name, " cannot be '", given, "'"), "give " + accepted_values(option));
}

std::string key_of(const std::string& flag) {
  std::string key = flag.substr(flag.find_first_not_of('-'));
  std::replace(key.begin(), key.end(), '-', '_');
  return key;
}

/// A switch that is off and a text that is empty go without saying.
bool has_default_worth_showing(const Option& option) {
  return option.initial != Value() && option.initial != Value(false) && option.initial != Value(std::string());
}

std::string default_placeholder(Kind kind) {
  switch (kind) {
    case Kind::kSwitch:
      return "";
    case Kind::kInteger:
      return "N";
    case Kind::kReal:
      return "X";
    case Kind::kText:
      return "TEXT";
    case Kind::kPath:
      return "PATH";
  }
  return "";
}

}  // namespace

void OptionTable::add_always_on(std::string flag, std::string help, OptionTraits traits) {
  Option option;
  option.flag = std::move(flag);
  option.help = std::move(help);
  option.traits = std::move(traits);
  option.traits.in_recipe = false;
  option.traits.affects_result = false;
  option.always_on = true;
  option.initial = true;
  option.get = [] { return Value(true); };
  option.store = [](const Value&) {};
  insert(std::move(option));
}

void OptionTable::insert(Option option) {
  LOCKSTEP_ASSERT(option.flag.starts_with("--") && find(option.flag) == nullptr, "flag " + option.flag);
  option.key = key_of(option.flag);
  if (option.traits.placeholder.empty()) {
    option.traits.placeholder = default_placeholder(option.kind);
  }
  if (option.kind == Kind::kInteger && option.lowest == 0 && !option.traits.minimum) {
    option.traits.minimum = inclusive(0);
  }
  options_.push_back(std::move(option));
}

const Option* OptionTable::find(const std::string& name) const {
  for (const Option& option : options_) {
    const auto& aliases = option.traits.aliases;
    if (name == option.flag || name == option.key || std::find(aliases.begin(), aliases.end(), name) != aliases.end()) {
      return &option;
    }
  }
  return nullptr;
}

std::vector<OptionTable::Group> OptionTable::groups() const {
  std::vector<Group> groups;
  for (const Option& option : options_) {
    const auto same = [&](const Group& group) { return group.first == option.traits.group; };
    auto group = std::find_if(groups.begin(), groups.end(), same);
    if (group == groups.end()) {
      group = groups.insert(group, Group{option.traits.group, {}});
    }
    group->second.push_back(&option);
  }
  return groups;
}

void assign(const Option& option, const Value& value, const std::string& name) {
  if (!is_of_kind(option.kind, value)) {
    refuse(option, to_text(value), name);
  }
  if (!fits_variable(option, value)) {
    throw UsageError(text(name, " cannot be '", to_text(value), "'"),
                     text("give a whole number from ", option.lowest, " to ", option.highest));
  }
  if (!is_accepted(option, value)) {
    refuse(option, to_text(value), name);
  }
  option.store(value);
}

void assign_text(const Option& option, const std::string& given, const std::string& name) {
  const Value value = read_text_as(option.kind, given);
  if (std::holds_alternative<std::monostate>(value)) {
    refuse(option, given, name);
  }
  assign(option, value, name);
}

std::string to_text(const Value& value) {
  if (std::holds_alternative<std::monostate>(value)) {
    return "not set";
  }
  if (const auto* on = std::get_if<bool>(&value)) {
    return *on ? "true" : "false";
  }
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    return std::to_string(*number);
  }
  if (const auto* number = std::get_if<double>(&value)) {
    char digits[32];
    return {digits, std::to_chars(digits, digits + sizeof digits, *number).ptr};
  }
  return std::get<std::string>(value);
}

bool is_off(const Value& value) {
  return value == Value() || value == Value(false) || value == Value(std::int64_t{0}) || value == Value(0.0) ||
         value == Value(std::string());
}

std::string accepted_values(const Option& option) {
  if (!option.traits.allowed.empty()) {
    std::string list;
    for (const std::string& value : option.traits.allowed) {
      list += (list.empty() ? "" : ", ") + value;
    }
    return "one of: " + list;
  }
  const std::string range = range_text(option.traits);
  switch (option.kind) {
    case Kind::kSwitch:
      return "true or false";
    case Kind::kInteger:
      return "a whole number" + (range.empty() ? "" : ", " + range);
    case Kind::kReal:
      return "a number" + (range.empty() ? "" : ", " + range);
    case Kind::kText:
      return "a text";
    case Kind::kPath:
      return "a file or folder";
  }
  return "";
}

std::string explanation(const Option& option) {
  std::vector<std::string> notes;
  if (!option.traits.allowed.empty()) {
    notes.push_back(accepted_values(option));
  } else if (const std::string range = range_text(option.traits); !range.empty()) {
    notes.push_back(range);
  }
  if (option.always_on) {
    notes.push_back("always on");
  } else if (has_default_worth_showing(option)) {
    notes.push_back("default: " + to_text(option.initial));
  }
  std::string joined;
  for (const std::string& note : notes) {
    joined += (joined.empty() ? "" : "; ") + note;
  }
  return joined.empty() ? option.help : option.help + " (" + joined + ")";
}

std::string hyphenated(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

}  // namespace lockstep::cli
