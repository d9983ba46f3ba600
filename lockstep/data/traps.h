#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace lockstep::data {

/// What is odd about a dataset and is put up with: each kind has one thing that is done about it.
enum class Trap {
  kClassWithoutBox,
  kSimilarClasses,
  kClassWithSeveralIds,
  kEmptyBox,
  kOutsideBox,
  kClippedBox,
  kInvertedBox,
  kCrowdBox,
  kDifficultBox,
  kBoxOfUnknownImage,
  kAnnotationIdTwice,
  kImageWithoutBox,
  kImageTwice,
  kImageInSeveralSplits,
  kImageNotAnnotated,
  kAnnotationInNoList,
  kImageUnderOtherName,
  kSizeNotGiven,
  kOtherSize,
  kMaskWithoutImage,
  kMaskWithoutObject,
  kMaskOfOtherSize,
  kLabelWithoutVolume,
};

/// What is done about it, behind a number: "boxes without area, left out".
const char* words_of(Trap trap);

/// How often each of them was met, and where first.
class Traps {
 public:
  struct Count {
    std::size_t times = 0;
    std::vector<std::string> first;  ///< the first few places
  };

  /// `place` names the file, and the object in it.
  void note(Trap trap, const std::string& place);

  /// Takes over what another one has met, behind what is there.
  void add(const Traps& others);

  std::size_t times(Trap trap) const;
  bool empty() const { return counts_.empty(); }

  /// A line for each kind that was met: "2 boxes without area, left out: a.xml, b.xml".
  std::vector<std::string> lines() const;

 private:
  std::map<Trap, Count> counts_;
};

}  // namespace lockstep::data
