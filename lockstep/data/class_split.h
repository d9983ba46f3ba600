#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lockstep/data/box_set.h"

namespace lockstep::data {

/// Which classes are kept from training, to see how a network that has learnt others does with them.
struct ClassSplitOptions {
  std::vector<std::string> novel_classes{};  ///< by name; empty: drawn
  double novel_fraction = 1.0 / 3;           ///< share of the classes that is drawn, rounded, at least one
  std::uint64_t class_seed = 0;              ///< which are drawn

  /// Throws UsageError for a share outside of (0, 1), and for a class that is named twice.
  void validate() const;
};

/// The classes of a set, by number, in rising order.
struct ClassSplit {
  std::vector<std::size_t> base;         ///< what training shows
  std::vector<std::size_t> novel;        ///< what evaluation shows
  std::vector<std::size_t> without_box;  ///< classes without a box that can be an example; in neither

  /// "8 base classes (rook, …), 4 novel (king, …); without a box: pieces".
  std::string describe(const std::vector<std::string>& names) const;
};

/// Whether a box can be an example of its class: neither a crowd nor difficult.
inline bool is_example(const ObjectBox& box) { return !box.is_crowd && !box.is_difficult; }

/// The classes of a set, by number, that have a box that can be an example.
std::vector<std::size_t> classes_with_examples(const BoxSet& set);

/// Throws UsageError for a novel class that the set does not have or has no box of, or where no base class is left;
/// DataError for a set of fewer than two classes with boxes.
ClassSplit split_classes(const BoxSet& set, const ClassSplitOptions& options);

}  // namespace lockstep::data
