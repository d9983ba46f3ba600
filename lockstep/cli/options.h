#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "lockstep/base/error.h"

namespace lockstep::cli {

// No run has more; what lies beyond is a slip of the finger.
inline constexpr double kMostEpochs = 1e6;
inline constexpr double kMostSamples = 1e6;  ///< of a batch

/// What an option holds; nothing (`monostate`) where a `std::optional` is not set.
using Value = std::variant<std::monostate, bool, std::int64_t, double, std::string>;

enum class Kind { kSwitch, kInteger, kReal, kText, kPath };

/// One end of the range of a number.
struct Bound {
  double value = 0;
  bool inclusive = true;
};

inline Bound inclusive(double value) { return {value, true}; }
inline Bound exclusive(double value) { return {value, false}; }

/// What is known of an option beside its flag, its variable and its help.
struct OptionTraits {
  std::string group = "General";  ///< the heading under which it is listed
  std::string placeholder = {};   ///< how --help names the value; by default N, X, TEXT or PATH
  std::vector<std::string> allowed = {};
  std::optional<Bound> minimum = {};
  std::optional<Bound> maximum = {};
  bool affects_result = true;                 ///< part of the run's identity: a run does not resume with another value
  std::vector<std::string> same_result = {};  ///< of `allowed`: a run may resume with another one of these
  bool kept_by_run = false;                   ///< where it is left out, a run that resumes keeps what it had
  std::string on_resume = {};  ///< what another value means for a run that resumes, where it may have one
  bool in_recipe = true;       ///< false for what belongs to one call of the program, not to a run
  std::string needs = {};      ///< the flag without which the option has no effect ("--ema-decay")
  std::vector<std::string> aliases = {};
  bool hidden = false;  ///< not listed in --help and in the docs
};

/// A flag and the variable that it sets.
struct Option {
  std::string flag;  ///< "--batch-size"
  std::string key;   ///< "batch_size", its name in recipes
  std::string help;
  OptionTraits traits;
  Kind kind = Kind::kSwitch;
  std::int64_t lowest = 0;   ///< what the variable of an integer can hold
  std::int64_t highest = 0;  ///< the other end
  Value initial;             ///< the default
  bool always_on = false;    ///< accepted without effect
  std::function<Value()> get;
  std::function<void(const Value&)> store;
};

/// Options in the order in which they are listed, each written once: the command line, --help, recipes, the docs and
/// the run log all come from here. It points to the variables that it sets, which must outlive it.
class OptionTable {
 public:
  using Group = std::pair<std::string, std::vector<const Option*>>;

  /// Adds an option for `target`, whose present value is the default. T is bool, int, std::int64_t, std::uint64_t (up
  /// to 2^63 - 1, as TOML's integers), double, std::string, std::filesystem::path, or a std::optional of one of these.
  /// A bool becomes a switch: --name and --no-name. Defaults need not keep to the allowed values and the range.
  template <typename T>
  void add(std::string flag, T& target, std::string help, OptionTraits traits = {});

  /// Adds a switch that is accepted for the sake of old command lines, and is said to have no effect.
  void add_always_on(std::string flag, std::string help, OptionTraits traits = {});

  const std::vector<Option>& options() const { return options_; }

  /// The option of that flag ("--batch-size"), alias or key ("batch_size"); null where there is none.
  const Option* find(const std::string& name) const;

  /// The options by heading, in the order in which the headings first appear.
  std::vector<Group> groups() const;

 private:
  void insert(Option option);

  std::vector<Option> options_;
};

/// Gives the option a value after checking it. Throws UsageError where kind, range or allowed values do not fit; `name`
/// says where the value stood ("--lr", "recipe.toml:3: lr").
void assign(const Option& option, const Value& value, const std::string& name);

/// The same from text, as it stands on a command line.
void assign_text(const Option& option, const std::string& given, const std::string& name);

/// A value as a person writes it: "32", "1e-05", "true"; "not set" for nothing.
std::string to_text(const Value& value);

/// What the option takes: "a whole number, at least 1", "one of: adamw, sgd".
std::string accepted_values(const Option& option);

/// The help with what the option takes and its default: "Passes over the data. (at least 1; default: 60)".
std::string explanation(const Option& option);

/// Whether a value says that something is not to be: nothing, false, 0 or an empty text.
bool is_off(const Value& value);

/// "--batch_size" → "--batch-size": flags are taken with underscores, too.
std::string hyphenated(std::string name);

namespace detail {

template <typename T>
struct Content {
  using type = T;
};
template <typename T>
struct Content<std::optional<T>> {
  using type = T;
};

template <typename T>
constexpr Kind kind_of() {
  if constexpr (std::is_same_v<T, bool>) {
    return Kind::kSwitch;
  } else if constexpr (std::is_integral_v<T>) {
    return Kind::kInteger;
  } else if constexpr (std::is_same_v<T, double>) {
    return Kind::kReal;
  } else if constexpr (std::is_same_v<T, std::filesystem::path>) {
    return Kind::kPath;
  } else {
    static_assert(std::is_same_v<T, std::string>, "options hold no such type");
    return Kind::kText;
  }
}

template <typename T>
Value to_value(const T& content) {
  if constexpr (kind_of<T>() == Kind::kInteger) {
    LOCKSTEP_ASSERT(std::in_range<std::int64_t>(content), "an option holds a number above 2^63 - 1");
    return static_cast<std::int64_t>(content);
  } else if constexpr (kind_of<T>() == Kind::kPath) {
    return content.string();
  } else {
    return content;
  }
}

template <typename T>
Value to_value(const std::optional<T>& content) {
  return content ? to_value(*content) : Value{};
}

/// `value` is of the kind of T, and in its range.
template <typename T>
T from_value(const Value& value) {
  if constexpr (kind_of<T>() == Kind::kInteger) {
    return static_cast<T>(std::get<std::int64_t>(value));
  } else if constexpr (kind_of<T>() == Kind::kPath) {
    return std::get<std::string>(value);
  } else {
    return std::get<T>(value);
  }
}

}  // namespace detail

template <typename T>
void OptionTable::add(std::string flag, T& target, std::string help, OptionTraits traits) {
  using Content = typename detail::Content<T>::type;
  Option option;
  option.flag = std::move(flag);
  option.help = std::move(help);
  option.traits = std::move(traits);
  option.kind = detail::kind_of<Content>();
  if constexpr (detail::kind_of<Content>() == Kind::kInteger) {
    option.lowest = static_cast<std::int64_t>(std::numeric_limits<Content>::min());
    constexpr auto kHighest = std::numeric_limits<Content>::max();
    option.highest = std::in_range<std::int64_t>(kHighest) ? static_cast<std::int64_t>(kHighest)
                                                           : std::numeric_limits<std::int64_t>::max();
  }
  option.initial = detail::to_value(target);
  option.get = [&target] { return detail::to_value(target); };
  option.store = [&target](const Value& value) { target = detail::from_value<Content>(value); };
  insert(std::move(option));
}

}  // namespace lockstep::cli
