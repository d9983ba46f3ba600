#include "lockstep/metrics/components.h"

#include <algorithm>

#include "lockstep/base/error.h"
#include "lockstep/metrics/runs.h"
#include "lockstep/metrics/union_find.h"

namespace lockstep::metrics {
namespace {

/// The runs of a volume, row after row, and which of them are one component.
class Runs {
 public:
  Runs(std::span<const std::uint8_t> foreground, const media::VolumeShape& shape) : shape_(shape) {
    first_of_row_.reserve(static_cast<std::size_t>(shape.depth * shape.height + 1));
    first_of_row_.push_back(0);
    for (std::int64_t row = 0; row < shape.depth * shape.height; ++row) {
      append_runs(
          foreground.subspan(static_cast<std::size_t>(row * shape.width), static_cast<std::size_t>(shape.width)),
          runs_);
      first_of_row_.push_back(runs_.size());
    }
    sets_ = UnionFind(runs_.size());
  }

  void join(Connectivity connectivity) {
    const bool over_corners = connectivity == Connectivity::kCorners;
    for (std::int64_t z = 0; z < shape_.depth; ++z) {
      for (std::int64_t y = 0; y < shape_.height; ++y) {
        join_rows(z, y, z, y - 1, over_corners);
        join_rows(z, y, z - 1, y, over_corners);
        if (over_corners) {
          join_rows(z, y, z - 1, y - 1, true);
          join_rows(z, y, z - 1, y + 1, true);
        }
      }
    }
  }

  Components label() {
    Components components{std::vector<std::uint32_t>(static_cast<std::size_t>(shape_.voxels()), 0), {}};
    std::vector<std::uint32_t> label_of(runs_.size());
    for (std::size_t row = 0; row + 1 < first_of_row_.size(); ++row) {
      for (std::size_t i = first_of_row_[row]; i < first_of_row_[row + 1]; ++i) {
        const std::uint32_t root = sets_.find(static_cast<std::uint32_t>(i));
        if (root == i) {
          components.sizes.push_back(0);
          label_of[i] = static_cast<std::uint32_t>(components.sizes.size());
        }
        label_of[i] = label_of[root];  // a root comes before the others of its component
        const std::size_t line = row * static_cast<std::size_t>(shape_.width);
        std::fill(components.labels.begin() + static_cast<std::ptrdiff_t>(line) + runs_[i].begin,
                  components.labels.begin() + static_cast<std::ptrdiff_t>(line) + runs_[i].end, label_of[i]);
        components.sizes[label_of[i] - 1] += runs_[i].end - runs_[i].begin;
      }
    }
    return components;
  }

 private:
  /// Joins the runs of two rows that touch.
  void join_rows(std::int64_t z, std::int64_t y, std::int64_t other_z, std::int64_t other_y, bool over_corners) {
    if (other_z < 0 || other_y < 0 || other_y >= shape_.height) {
      return;
    }
    const std::int64_t row = z * shape_.height + y;
    const std::int64_t other = other_z * shape_.height + other_y;
    for_touching_runs(runs_of(row), runs_of(other), over_corners, [&](std::size_t i, std::size_t j) {
      sets_.unite(sets_.find(number_of(row, i)), sets_.find(number_of(other, j)));
    });
  }

  std::span<const Run> runs_of(std::int64_t row) const {
    const std::size_t begin = first_of_row_[static_cast<std::size_t>(row)];
    return std::span(runs_).subspan(begin, first_of_row_[static_cast<std::size_t>(row) + 1] - begin);
  }

  std::uint32_t number_of(std::int64_t row, std::size_t run) const {
    return static_cast<std::uint32_t>(first_of_row_[static_cast<std::size_t>(row)] + run);
  }

  const media::VolumeShape& shape_;
  std::vector<Run> runs_;
  std::vector<std::size_t> first_of_row_;
  UnionFind sets_{0};
};

}  // namespace

Components connected_components(std::span<const std::uint8_t> foreground, const media::VolumeShape& shape,
                                Connectivity connectivity) {
  LOCKSTEP_ASSERT(static_cast<std::int64_t>(foreground.size()) == shape.voxels(), "one value a voxel");
  Runs runs(foreground, shape);
  runs.join(connectivity);
  return runs.label();
}

}  // namespace lockstep::metrics
