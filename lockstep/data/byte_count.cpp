#include "lockstep/data/byte_count.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <string_view>

namespace lockstep::data {
namespace {

constexpr std::array<std::string_view, 5> kUnits{"bytes", "KiB", "MiB", "GiB", "TiB"};

bool same_letters(std::string_view one, std::string_view other) {
  return std::ranges::equal(one, other,
                            [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

}  // namespace

std::optional<std::uint64_t> parse_byte_count(const std::string& given) {
  constexpr double kMost = 0x1p62;
  double number = 0;
  const char* end = given.data() + given.size();
  const auto [rest, error] = std::from_chars(given.data(), end, number, std::chars_format::fixed);
  std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  unit.remove_prefix(std::min(unit.find_first_not_of(' '), unit.size()));
  if (error != std::errc()) {
    return std::nullopt;
  }
  double factor = 1;
  for (const std::string_view known : kUnits) {
    const bool is_it = same_letters(unit, known) || (unit.empty() && factor == 1);
    if (is_it && number >= 0 && number * factor <= kMost) {
      return static_cast<std::uint64_t>(number * factor);
    }
    factor *= 1024;
  }
  return std::nullopt;
}

std::string format_byte_count(std::uint64_t bytes) {
  double number = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (number >= 1024 && unit + 1 < kUnits.size()) {
    number /= 1024;
    ++unit;
  }
  char digits[32];
  std::snprintf(digits, sizeof digits, unit > 0 && number < 10 ? "%.1f " : "%.0f ", number);
  return digits + std::string(kUnits[unit]);
}

}  // namespace lockstep::data
