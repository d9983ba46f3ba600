#include "lockstep/base/duration.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep {
namespace {

/// Takes a number and its unit, one of `units`, from the front of `words`; only the units behind it are left for more.
std::optional<double> take_part(std::string_view& words, std::string_view& units) {
  constexpr std::array<std::pair<char, double>, 4> kUnits = {{{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}}};
  double number = 0;
  const auto [end, error] = std::from_chars(words.begin(), words.end(), number, std::chars_format::fixed);
  if (error != std::errc{} || end == words.end() || !std::isdigit(static_cast<unsigned char>(words.front()))) {
    return std::nullopt;
  }
  const std::size_t place = units.find(*end);
  if (place == std::string_view::npos) {
    return std::nullopt;
  }
  const auto unit = std::ranges::find(kUnits, *end, &std::pair<char, double>::first);
  units.remove_prefix(place + 1);
  words.remove_prefix(static_cast<std::size_t>(end - words.begin()) + 1);
  return number * unit->second;
}

}  // namespace

double parse_duration(const std::string& flag, const std::string& words) {
  std::string_view units = "dhms";
  const std::string with_unit = words.find_first_of(units) != std::string::npos ? words : words + "s";
  std::string_view rest = with_unit;
  double seconds = 0;
  while (!rest.empty()) {
    const std::optional<double> part = take_part(rest, units);
    if (!part) {
      throw UsageError(text(flag, " '", words, "' is not a time"), "give one such as 11h30m, 45m or 300 (seconds)");
    }
    seconds += *part;
  }
  if (!(seconds > 0)) {
    throw UsageError(text(flag, " '", words, "' is no time at all"), "give one such as 11h30m, 45m or 300 (seconds)");
  }
  return seconds;
}

}  // namespace lockstep
