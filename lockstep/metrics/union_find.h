#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace lockstep::metrics {

/// Disjoint sets of the numbers 0 … size - 1.
class UnionFind {
 public:
  explicit UnionFind(std::size_t size) : parent_(size) { std::iota(parent_.begin(), parent_.end(), 0); }

  /// The number that stands for the set of `item`: its smallest.
  std::uint32_t find(std::uint32_t item) {
    while (parent_[item] != item) {
      parent_[item] = parent_[parent_[item]];
      item = parent_[item];
    }
    return item;
  }

  /// Joins the sets of two numbers that find() gave.
  void unite(std::uint32_t root, std::uint32_t other) {
    if (other < root) {
      std::swap(root, other);
    }
    parent_[other] = root;
  }

 private:
  std::vector<std::uint32_t> parent_;
};

}  // namespace lockstep::metrics
