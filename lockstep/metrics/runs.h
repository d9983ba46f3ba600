#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lockstep::metrics {

/// Foreground voxels that follow each other in a row.
struct Run {
  std::int32_t begin;
  std::int32_t end;

  std::int64_t voxels() const { return end - begin; }
};

/// Appends the runs of the voxels of a row that are not zero.
inline void append_runs(std::span<const std::uint8_t> row, std::vector<Run>& runs) {
  for (std::size_t x = 0; x < row.size();) {
    if (row[x] == 0) {
      ++x;
      continue;
    }
    const std::size_t begin = x;
    while (x < row.size() && row[x] != 0) {
      ++x;
    }
    runs.push_back({static_cast<std::int32_t>(begin), static_cast<std::int32_t>(x)});
  }
}

/// Calls `visit(i, j)` for each run i of a row and j of one beside it that touch; `over_corners`: or meet at a corner.
template <typename Visit>
void for_touching_runs(std::span<const Run> row, std::span<const Run> other, bool over_corners, const Visit& visit) {
  const std::int32_t reach = over_corners ? 1 : 0;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < row.size() && j < other.size()) {
    if (row[i].begin < other[j].end + reach && other[j].begin < row[i].end + reach) {
      visit(i, j);
    }
    ++(row[i].end < other[j].end ? i : j);
  }
}

}  // namespace lockstep::metrics
