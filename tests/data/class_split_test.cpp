#include "lockstep/data/class_split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "lockstep/base/error.h"
#include "tests/data/boxed_images.h"

namespace lockstep::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Six classes, of which "pieces" has no box and "blur" only difficult ones.
BoxSet chess() {
  BoxSet set{.layout = "", .classes = {"pieces", "rook", "king", "blur", "pawn", "queen"}, .splits = {}, .traps = {}};
  set.splits.push_back({"train", {image_showing("a.jpg", {1, 2, 3}), image_showing("b.jpg", {4, 5, 3})}});
  for (BoxedImage& image : set.splits[0].images) {
    image.boxes.back().is_difficult = true;
  }
  return set;
}

std::string error_of(const ClassSplitOptions& options, const BoxSet& set = chess()) {
  try {
    split_classes(set, options);
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(ClassSplit, TakesTheNovelClassesThatAreNamed) {
  const ClassSplit split = split_classes(chess(), {.novel_classes = {"queen", "king"}});
  EXPECT_THAT(split.novel, ElementsAre(2, 5));
  EXPECT_THAT(split.base, ElementsAre(1, 4));
  EXPECT_THAT(split.without_box, ElementsAre(0, 3));
  EXPECT_EQ(split.describe(chess().classes),
            "2 base classes (rook, pawn), 2 novel (king, queen); without a box: pieces, blur");
}

TEST(ClassSplit, DrawsAShareBySeed) {
  std::set<std::vector<std::size_t>> drawn;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const ClassSplit split = split_classes(chess(), {.novel_fraction = 0.5, .class_seed = seed});
    EXPECT_EQ(split.novel.size(), 2U);
    EXPECT_EQ(split.base.size(), 2U);
    EXPECT_EQ(split.novel, split_classes(chess(), {.novel_fraction = 0.5, .class_seed = seed}).novel);
    drawn.insert(split.novel);
  }
  EXPECT_EQ(drawn.size(), 6U) << "each pair of four classes";
}

TEST(ClassSplit, LeavesAtLeastOneClassOnEitherSide) {
  EXPECT_EQ(split_classes(chess(), {.novel_fraction = 0.01}).novel.size(), 1U);
  EXPECT_EQ(split_classes(chess(), {.novel_fraction = 0.99}).base.size(), 1U);
}

TEST(ClassSplit, SaysWhatIsWrongWithANovelClass) {
  EXPECT_EQ(error_of({.novel_classes = {"kong"}}),
            "--novel-classes: the dataset has no class 'kong'; name some of: rook, king, pawn, queen");
  EXPECT_THAT(error_of({.novel_classes = {"pieces"}}),
              HasSubstr("no box of the dataset can be an example of 'pieces'"));
  EXPECT_THAT(error_of({.novel_classes = {"king", "king"}}), HasSubstr("--novel-classes names 'king' twice"));
  EXPECT_THAT(error_of({.novel_classes = {"rook", "king", "pawn", "queen"}}), HasSubstr("leaves none to train on"));
  EXPECT_THAT(error_of({.novel_fraction = 1}), HasSubstr("--novel-fraction is 1; give a share between 0 and 1"));
}

TEST(ClassSplit, NeedsTwoClassesWithBoxes) {
  BoxSet set{.layout = "", .classes = {"cell"}, .splits = {{"all", images_showing(3, {0})}}, .traps = {}};
  EXPECT_THAT(error_of({}, set), HasSubstr("the dataset has 1 class(es) with boxes; base and novel ones need two"));
}

}  // namespace
}  // namespace lockstep::data
