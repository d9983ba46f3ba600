#include "lockstep/cli/columns.h"

#include <algorithm>

namespace lockstep::cli {
namespace {

/// How many letters a text in UTF-8 has.
std::size_t letters_of(const std::string& word) {
  return static_cast<std::size_t>(std::count_if(
      word.begin(), word.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80U; }));
}

}  // namespace

std::string in_columns(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], letters_of(row[i]));
    }
  }
  std::string lines;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) {
      lines += row[i] + std::string(widths[i] - letters_of(row[i]) + 2, ' ');
    }
    lines += row.back() + "\n";
  }
  return lines;
}

}  // namespace lockstep::cli
