#include "lockstep/data/traps.h"

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::data {
namespace {

constexpr std::size_t kShown = 3;

}  // namespace

const char* words_of(Trap trap) {
  switch (trap) {
    case Trap::kClassWithoutBox:
      return "classes without a box, never drawn";
    case Trap::kSimilarClasses:
      return "classes whose names differ in upper and lower case alone, taken as different";
    case Trap::kClassWithSeveralIds:
      return "categories with the name of another one, taken as one class";
    case Trap::kEmptyBox:
      return "boxes without area, left out";
    case Trap::kOutsideBox:
      return "boxes outside of their image, left out";
    case Trap::kClippedBox:
      return "boxes that reach over the edge of their image, cut off there";
    case Trap::kInvertedBox:
      return "boxes whose edges are exchanged, put right";
    case Trap::kCrowdBox:
      return "boxes around a crowd, marked as such";
    case Trap::kDifficultBox:
      return "boxes called difficult, marked as such";
    case Trap::kBoxOfUnknownImage:
      return "boxes of images that are not listed, left out";
    case Trap::kAnnotationIdTwice:
      return "annotations with the id of another one, taken all the same";
    case Trap::kImageWithoutBox:
      return "images without a box";
    case Trap::kImageTwice:
      return "images listed once more, left out there";
    case Trap::kImageInSeveralSplits:
      return "images in more than one split, taken in each";
    case Trap::kImageNotAnnotated:
      return "images without annotations, left out";
    case Trap::kAnnotationInNoList:
      return "annotations that no list of ImageSets names, left out";
    case Trap::kImageUnderOtherName:
      return "images found under another name or ending than their annotations give";
    case Trap::kSizeNotGiven:
      return "images whose annotations give no size, read from the file";
    case Trap::kOtherSize:
      return "images of another size than their annotations give, boxes scaled with them";
    case Trap::kMaskWithoutImage:
      return "masks without an image, left out";
    case Trap::kMaskWithoutObject:
      return "masks in which nothing is marked, taken as they are";
    case Trap::kMaskOfOtherSize:
      return "masks of another size than their image, scaled with it";
    case Trap::kLabelWithoutVolume:
      return "labels without a volume, left out";
  }
  LOCKSTEP_ASSERT(false, "no such trap");
}

void Traps::note(Trap trap, const std::string& place) {
  Count& count = counts_[trap];
  ++count.times;
  if (count.first.size() < kShown) {
    count.first.push_back(place);
  }
}

void Traps::add(const Traps& others) {
  for (const auto& [trap, count] : others.counts_) {
    Count& own = counts_[trap];
    own.times += count.times;
    for (std::size_t i = 0; i < count.first.size() && own.first.size() < kShown; ++i) {
      own.first.push_back(count.first[i]);
    }
  }
}

std::size_t Traps::times(Trap trap) const {
  const auto count = counts_.find(trap);
  return count != counts_.end() ? count->second.times : 0;
}

std::vector<std::string> Traps::lines() const {
  std::vector<std::string> lines;
  for (const auto& [trap, count] : counts_) {
    std::string places;
    for (const std::string& place : count.first) {
      places += (places.empty() ? "" : ", ") + place;
    }
    lines.push_back(
        text(count.times, " ", words_of(trap), ": ", places, count.times > count.first.size() ? ", …" : ""));
  }
  return lines;
}

}  // namespace lockstep::data
