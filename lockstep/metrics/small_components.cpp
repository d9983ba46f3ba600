#include "lockstep/metrics/small_components.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/metrics/runs.h"
#include "lockstep/metrics/union_find.h"

namespace lockstep::metrics {
namespace {

/// The runs of a slice, row after row, and for each the number of the open component that it belongs to.
struct SliceRuns {
  std::vector<Run> runs;
  std::vector<std::size_t> first_of_row{0};
  std::vector<std::uint32_t> components;

  std::span<const Run> row(std::int64_t y) const {
    const std::size_t begin = first_of_row[static_cast<std::size_t>(y)];
    return std::span(runs).subspan(begin, first_of_row[static_cast<std::size_t>(y) + 1] - begin);
  }

  void read(std::span<const std::uint8_t> slice, const media::VolumeShape& shape) {
    runs.clear();
    first_of_row.assign(1, 0);
    for (std::int64_t y = 0; y < shape.height; ++y) {
      append_runs(slice.subspan(static_cast<std::size_t>(y * shape.width), static_cast<std::size_t>(shape.width)),
                  runs);
      first_of_row.push_back(runs.size());
    }
  }
};

/// Follows the components down the slices. A component is open while it reaches the last slice; its voxels are held
/// while it is small.
class Descent {
 public:
  Descent(const media::VolumeShape& shape, Connectivity connectivity, std::int64_t limit, const SmallRunVisit& visit)
      : shape_(shape), over_corners_(connectivity == Connectivity::kCorners), limit_(limit), visit_(visit) {
    last_.first_of_row.assign(static_cast<std::size_t>(shape.height) + 1, 0);
  }

  void enter(std::int64_t z, std::span<const std::uint8_t> slice) {
    here_.read(slice, shape_);
    // The open components come first, then the runs of this slice.
    UnionFind sets(sizes_.size() + here_.runs.size());
    join(sets);
    add_sizes(sets);
    settle(sets);
    hold(z);
    std::swap(here_, last_);
  }

  void leave() {
    for (const HeldRun& run : held_) {
      visit_(run.first, run.count, sizes_[run.component]);
    }
  }

 private:
  /// Of a component that is small so far.
  struct HeldRun {
    std::int64_t first;
    std::int32_t count;
    std::uint32_t component;
  };

  static constexpr std::uint32_t kClosed = std::numeric_limits<std::uint32_t>::max();

  std::uint32_t item_of_run(std::size_t run) const { return static_cast<std::uint32_t>(sizes_.size() + run); }

  void join(UnionFind& sets) const {
    for (std::int64_t y = 0; y < shape_.height; ++y) {
      const std::size_t first = here_.first_of_row[static_cast<std::size_t>(y)];
      if (y > 0) {
        const std::size_t above = here_.first_of_row[static_cast<std::size_t>(y) - 1];
        for_touching_runs(here_.row(y), here_.row(y - 1), over_corners_, [&](std::size_t i, std::size_t j) {
          sets.unite(sets.find(item_of_run(first + i)), sets.find(item_of_run(above + j)));
        });
      }
      const std::int64_t reach = over_corners_ ? 1 : 0;
      for (std::int64_t other = std::max<std::int64_t>(y - reach, 0); other <= std::min(y + reach, shape_.height - 1);
           ++other) {
        const std::size_t before = last_.first_of_row[static_cast<std::size_t>(other)];
        for_touching_runs(here_.row(y), last_.row(other), over_corners_, [&](std::size_t i, std::size_t j) {
          sets.unite(sets.find(item_of_run(first + i)), sets.find(last_.components[before + j]));
        });
      }
    }
  }

  /// Of the joined components, and which of them reach this slice.
  void add_sizes(UnionFind& sets) {
    totals_.assign(sizes_.size() + here_.runs.size(), 0);
    numbers_.assign(totals_.size(), kClosed);
    for (std::size_t i = 0; i < sizes_.size(); ++i) {
      totals_[sets.find(static_cast<std::uint32_t>(i))] += sizes_[i];
    }
    open_sizes_.clear();
    for (std::size_t i = 0; i < here_.runs.size(); ++i) {
      totals_[sets.find(item_of_run(i))] += here_.runs[i].voxels();
    }
    here_.components.clear();
    for (std::size_t i = 0; i < here_.runs.size(); ++i) {
      const std::uint32_t root = sets.find(item_of_run(i));
      if (numbers_[root] == kClosed) {
        numbers_[root] = static_cast<std::uint32_t>(open_sizes_.size());
        open_sizes_.push_back(totals_[root]);
      }
      here_.components.push_back(numbers_[root]);
    }
  }

  /// Hands out the voxels of small components that have ended, and lets go of those that are small no more.
  void settle(UnionFind& sets) {
    std::erase_if(held_, [&](HeldRun& run) {
      const std::uint32_t root = sets.find(run.component);
      if (totals_[root] < limit_ && numbers_[root] == kClosed) {
        visit_(run.first, run.count, totals_[root]);
      }
      run.component = numbers_[root];
      return totals_[root] >= limit_ || numbers_[root] == kClosed;
    });
    sizes_.swap(open_sizes_);
  }

  /// Holds the runs of this slice that belong to components that are small so far.
  void hold(std::int64_t z) {
    for (std::int64_t y = 0; y < shape_.height; ++y) {
      const std::size_t end = here_.first_of_row[static_cast<std::size_t>(y) + 1];
      for (std::size_t i = here_.first_of_row[static_cast<std::size_t>(y)]; i < end; ++i) {
        const std::uint32_t component = here_.components[i];
        if (sizes_[component] < limit_) {
          const Run& run = here_.runs[i];
          held_.push_back({static_cast<std::int64_t>(shape_.at(z, y, run.begin)),
                           static_cast<std::int32_t>(run.voxels()), component});
        }
      }
    }
  }

  const media::VolumeShape& shape_;
  bool over_corners_;
  std::int64_t limit_;
  const SmallRunVisit& visit_;
  SliceRuns here_;
  SliceRuns last_;
  std::vector<std::int64_t> sizes_;  ///< of the open components, as far as the last slice
  std::vector<HeldRun> held_;

  // Of a slice; kept for their memory.
  std::vector<std::int64_t> open_sizes_;
  std::vector<std::int64_t> totals_;    ///< by set
  std::vector<std::uint32_t> numbers_;  ///< by set: the open component that it is from now on
};

}  // namespace

void for_each_small_run(std::span<const std::uint8_t> foreground, const media::VolumeShape& shape,
                        Connectivity connectivity, std::int64_t limit, const SmallRunVisit& visit) {
  LOCKSTEP_ASSERT(static_cast<std::int64_t>(foreground.size()) == shape.voxels(), "one value a voxel");
  Descent descent(shape, connectivity, limit, visit);
  for (std::int64_t z = 0; z < shape.depth; ++z) {
    descent.enter(z, foreground.subspan(shape.at(z, 0, 0), static_cast<std::size_t>(shape.slice_voxels())));
  }
  descent.leave();
}

std::int64_t remove_small_components(std::span<std::uint8_t> foreground, const media::VolumeShape& shape,
                                     Connectivity connectivity, std::int64_t smallest) {
  std::int64_t removed = 0;
  for_each_small_run(foreground, shape, connectivity, smallest,
                     [&](std::int64_t first, std::int64_t count, std::int64_t /*size*/) {
                       std::fill_n(foreground.begin() + first, count, std::uint8_t{0});
                       removed += count;
                     });
  return removed;
}

}  // namespace lockstep::metrics
