#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lockstep::metrics {

/// The lower envelope of parabolas height + (x - position)² at x = 0, 1, … length - 1: the step of a distance transform
/// that takes one more axis into account, in time linear in the length.
class LowerEnvelope {
 public:
  struct Parabola {
    std::int64_t position;
    std::int64_t height;
    std::int64_t from;  ///< the first x where this parabola is the lowest

    std::int64_t at(std::int64_t x) const { return (x - position) * (x - position) + height; }
  };

  void start(std::int64_t length) {
    length_ = length;
    lowest_.clear();
  }

  /// Positions are given from left to right; of equally low parabolas the first is the lowest.
  void add(std::int64_t position, std::int64_t height) {
    Parabola next{position, height, 0};
    while (!lowest_.empty() && lowest_.back().at(lowest_.back().from) > next.at(lowest_.back().from)) {
      lowest_.pop_back();
    }
    if (!lowest_.empty()) {
      next.from = first_below(lowest_.back(), next);
    }
    if (next.from < length_) {
      lowest_.push_back(next);
    }
  }

  bool empty() const { return lowest_.empty(); }

  /// Calls `visit(x, parabola)` with the lowest parabola of each x, from left to right. There must be one.
  template <typename Visit>
  void visit(Visit&& visit) const {
    std::size_t best = 0;
    for (std::int64_t x = 0; x < length_; ++x) {
      while (best + 1 < lowest_.size() && lowest_[best + 1].from <= x) {
        ++best;
      }
      visit(x, lowest_[best]);
    }
  }

 private:
  /// The first x where `right` is strictly below `left`, given that `left` is not above at some x >= 0.
  static std::int64_t first_below(const Parabola& left, const Parabola& right) {
    const std::int64_t rise =
        right.position * right.position - left.position * left.position + right.height - left.height;
    return rise / (2 * (right.position - left.position)) + 1;
  }

  std::int64_t length_ = 0;
  std::vector<Parabola> lowest_;
};

}  // namespace lockstep::metrics
