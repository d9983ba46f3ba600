#include "lockstep/cli/nearest.h"

#include <algorithm>
#include <cstddef>

namespace lockstep::cli {
namespace {

std::size_t edits_between(const std::string& a, const std::string& b) {
  // table[i][j]: edits from the first i letters of a to the first j letters of b
  std::vector<std::vector<std::size_t>> table(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        table[i][j] = i + j;
        continue;
      }
      const std::size_t replaced = table[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      table[i][j] = std::min({replaced, table[i - 1][j] + 1, table[i][j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        table[i][j] = std::min(table[i][j], table[i - 2][j - 2] + 1);
      }
    }
  }
  return table[a.size()][b.size()];
}

}  // namespace

std::optional<std::string> nearest(const std::string& mistyped, const std::vector<std::string>& words) {
  std::optional<std::string> best;
  std::size_t fewest = mistyped.size() / 3 + 1;
  for (const std::string& word : words) {
    const std::size_t edits = edits_between(mistyped, word);
    if (edits < fewest) {
      fewest = edits;
      best = word;
    }
  }
  return best;
}

std::string suggestion(const std::string& mistyped, const std::vector<std::string>& words,
                       const std::string& otherwise) {
  const auto word = nearest(mistyped, words);
  return word ? "did you mean '" + *word + "'?" : otherwise;
}

}  // namespace lockstep::cli
