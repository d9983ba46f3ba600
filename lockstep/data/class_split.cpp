#include "lockstep/data/class_split.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <span>

#include "lockstep/base/error.h"
#include "lockstep/base/random.h"
#include "lockstep/base/text.h"

namespace lockstep::data {
namespace {

constexpr std::uint32_t kClasses = 2;  // tells this selection from others of the same seed

std::string names_of(std::span<const std::size_t> classes, const std::vector<std::string>& names) {
  std::string list;
  for (const std::size_t number : classes) {
    list += (list.empty() ? "" : ", ") + names[number];
  }
  return list;
}

std::vector<std::size_t> named_classes(const BoxSet& set, const std::vector<std::string>& names,
                                       const std::vector<std::size_t>& usable) {
  std::vector<std::size_t> numbers;
  const std::string remedy = text("name some of: ", names_of(usable, set.classes));
  for (const std::string& name : names) {
    const auto place = std::find(set.classes.begin(), set.classes.end(), name);
    if (place == set.classes.end()) {
      throw UsageError(text("--novel-classes: the dataset has no class '", name, "'"), remedy);
    }
    const auto number = static_cast<std::size_t>(place - set.classes.begin());
    if (!std::binary_search(usable.begin(), usable.end(), number)) {
      throw UsageError(text("--novel-classes: no box of the dataset can be an example of '", name, "'"), remedy);
    }
    numbers.push_back(number);
  }
  if (numbers.size() == usable.size()) {
    throw UsageError("--novel-classes names all classes, and leaves none to train on", "name fewer of them");
  }
  return numbers;
}

std::vector<std::size_t> drawn_classes(std::vector<std::size_t> usable, const ClassSplitOptions& options) {
  const double share = std::nearbyint(options.novel_fraction * static_cast<double>(usable.size()));
  const std::size_t count = std::clamp<std::size_t>(static_cast<std::size_t>(share), 1, usable.size() - 1);
  RandomStream random({.seed = options.class_seed, .purpose = Purpose::kSelection, .layer = kClasses});
  for (std::size_t i = 0; i < count; ++i) {
    std::swap(usable[i], usable[i + random.below(usable.size() - i)]);
  }
  usable.resize(count);
  return usable;
}

}  // namespace

void ClassSplitOptions::validate() const {
  if (!(novel_fraction > 0 && novel_fraction < 1)) {
    throw UsageError(text("--novel-fraction is ", novel_fraction), "give a share between 0 and 1, such as 0.33");
  }
  std::set<std::string> seen;
  for (const std::string& name : novel_classes) {
    if (!seen.insert(name).second) {
      throw UsageError(text("--novel-classes names '", name, "' twice"), "name it once");
    }
  }
}

std::string ClassSplit::describe(const std::vector<std::string>& names) const {
  std::string words = text(base.size(), " base classes (", names_of(base, names), "), ", novel.size(), " novel (",
                           names_of(novel, names), ")");
  return without_box.empty() ? words : text(words, "; without a box: ", names_of(without_box, names));
}

std::vector<std::size_t> classes_with_examples(const BoxSet& set) {
  std::set<std::size_t> found;
  for (const BoxSplit& split : set.splits) {
    for (const BoxedImage& image : split.images) {
      for (const ObjectBox& box : image.boxes) {
        if (is_example(box)) {
          found.insert(box.class_index);
        }
      }
    }
  }
  return {found.begin(), found.end()};
}

ClassSplit split_classes(const BoxSet& set, const ClassSplitOptions& options) {
  options.validate();
  ClassSplit split;
  const std::vector<std::size_t> usable = classes_with_examples(set);
  for (std::size_t i = 0; i < set.classes.size(); ++i) {
    if (!std::binary_search(usable.begin(), usable.end(), i)) {
      split.without_box.push_back(i);
    }
  }
  if (usable.size() < 2) {
    throw DataError(text("the dataset has ", usable.size(), " class(es) with boxes; base and novel ones need two"),
                    "give a dataset with boxes of two or more classes");
  }
  split.novel = options.novel_classes.empty() ? drawn_classes(usable, options)
                                              : named_classes(set, options.novel_classes, usable);
  std::sort(split.novel.begin(), split.novel.end());
  std::set_difference(usable.begin(), usable.end(), split.novel.begin(), split.novel.end(),
                      std::back_inserter(split.base));
  return split;
}

}  // namespace lockstep::data
