#include "lockstep/data/episode_images.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "lockstep/base/error.h"
#include "tests/data/boxed_images.h"

namespace lockstep::data {
namespace {

using testing::ElementsAre;

std::set<std::string> names_of(const std::vector<BoxedImage>& images) {
  std::set<std::string> names;
  for (const BoxedImage& image : images) {
    names.insert(image.file.string());
  }
  return names;
}

BoxSet set_of(std::vector<BoxSplit> splits) {
  return {.layout = "", .classes = {"a", "b"}, .splits = std::move(splits), .traps = {}};
}

/// Every file serves one side, and only one.
void expect_shared_out(const EpisodeImages& images, std::size_t files) {
  std::set<std::string> all = names_of(images.training);
  all.merge(names_of(images.evaluation));
  EXPECT_EQ(all.size(), files);
  EXPECT_EQ(images.training.size() + images.evaluation.size(), files);
}

TEST(EpisodeImages, TakeTheSplitsWhereTheySuffice) {
  const BoxSet set = set_of({{"train", images_showing(5, {0}, "t")},
                             {"valid", images_showing(2, {0, 1}, "v")},
                             {"test", images_showing(3, {1}, "e")}});
  const EpisodeImages images = share_images(set, {1}, {.images_per_class = 5});
  EXPECT_EQ(names_of(images.training), names_of(set.splits[0].images));
  EXPECT_EQ(images.evaluation.size(), 5U);
  EXPECT_EQ(images.words, "trains on train (5 images), evaluates on valid and test (5)");
}

TEST(EpisodeImages, ThatAreInSeveralSplitsServeTrainingAlone) {
  const BoxSet set = set_of({{"train", images_showing(4, {0}, "t")}, {"test", images_showing(6, {0}, "t")}});
  const EpisodeImages images = share_images(set, {0}, {.images_per_class = 2});
  expect_shared_out(images, 6);
  EXPECT_THAT(names_of(images.evaluation), ElementsAre("t4.jpg", "t5.jpg"));
}

TEST(EpisodeImages, AreHeldOutWhereTheOtherSplitsAreTooFew) {
  const BoxSet set = set_of({{"train", images_showing(100, {0, 1}, "t")}, {"valid", images_showing(4, {1}, "v")}});
  const EpisodeImages images = share_images(set, {1}, {.images_per_class = 5});
  expect_shared_out(images, 104);
  EXPECT_GT(images.evaluation.size(), 14U);
  EXPECT_LT(images.evaluation.size(), 36U);
  EXPECT_THAT(images.words, testing::HasSubstr("valid, which have too few images of 'b', and images of train that are "
                                               "held out"));
}

TEST(EpisodeImages, AreHeldOutOfTheOnlySplit) {
  for (const char* name : {"all", "train", "test"}) {
    SCOPED_TRACE(name);
    const EpisodeImages images = share_images(set_of({{name, images_showing(200, {0, 1})}}), {1}, {});
    expect_shared_out(images, 200);
    EXPECT_GT(images.evaluation.size(), 25U);
    EXPECT_LT(images.evaluation.size(), 55U);
  }
}

TEST(EpisodeImages, StayWhereTheyAreWhenOthersAreAdded) {
  const std::vector<BoxedImage> many = images_showing(300, {0, 1});
  const std::vector<BoxedImage> few(many.begin(), many.begin() + 100);
  const std::set<std::string> of_many = names_of(share_images(set_of({{"all", many}}), {1}, {}).evaluation);
  for (const std::string& name : names_of(share_images(set_of({{"all", few}}), {1}, {}).evaluation)) {
    EXPECT_TRUE(of_many.contains(name)) << name;
  }
}

TEST(EpisodeImages, CopiesOfOnePictureStayTogether) {
  std::vector<BoxedImage> images;
  for (int picture = 0; picture < 40; ++picture) {
    for (const char* copy : {".rf.0a.jpg", ".rf.7f.jpg", ".rf.c3.jpg"}) {
      images.push_back(image_showing("p" + std::to_string(picture) + "_jpg" + copy, {0, 1}));
    }
  }
  std::set<std::string> seen;
  const EpisodeImages shared = share_images(set_of({{"all", images}}), {1}, {});
  for (const BoxedImage& image : shared.training) {
    seen.insert(image.file.string().substr(0, image.file.string().find(".rf.")));
  }
  EXPECT_FALSE(shared.evaluation.empty());
  for (const BoxedImage& image : shared.evaluation) {
    EXPECT_FALSE(seen.contains(image.file.string().substr(0, image.file.string().find(".rf."))));
  }
}

TEST(EpisodeImages, RefuseAShareOfNothing) {
  EXPECT_THROW(share_images(set_of({{"all", images_showing(9, {0})}}), {0}, {.held_out_share = 0}), UsageError);
}

TEST(ImagesOfClasses, CountAnImageOnceAndOnlyForExamples) {
  std::vector<BoxedImage> images = {image_showing("a.jpg", {0, 0, 1}), image_showing("b.jpg", {1, 0})};
  images[1].boxes[1].is_crowd = true;
  EXPECT_THAT(images_of_classes(images, 3), ElementsAre(1, 2, 0));
}

}  // namespace
}  // namespace lockstep::data
