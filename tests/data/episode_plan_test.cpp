#include "lockstep/data/episode_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "lockstep/base/error.h"
#include "tests/data/boxed_images.h"

namespace lockstep::data {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::vector<std::string> kNames{"a", "b", "c", "d", "e"};

RandomStream stream(std::uint64_t number) { return RandomStream({.seed = 3, .sample = number}); }

bool shows(const BoxedImage& image, std::size_t number) {
  return std::ranges::any_of(image.boxes, [&](const ObjectBox& box) { return box.class_index == number; });
}

/// Each class in `images_showing` images of its own and in some that show them all; the second box of one is a crowd.
std::vector<BoxedImage> mixed_images() {
  std::vector<BoxedImage> images = images_showing(4, {0, 1, 2, 3, 4, 2}, "all");
  for (std::size_t number = 0; number < kNames.size(); ++number) {
    for (const BoxedImage& image : images_showing(5, {number, number}, kNames[number])) {
      images.push_back(image);
      images.back().boxes[1].is_crowd = number == 1;
      images.back().boxes[1].is_difficult = number == 2;
    }
  }
  return images;
}

TEST(EpisodePlanner, DrawsWhatAnEpisodeMayHold) {
  const std::vector<BoxedImage> images = mixed_images();
  const EpisodeOptions options{.n_way = 3, .k_shot = 2, .queries_per_class = 2};
  const EpisodePlanner planner(images, kNames, {0, 1, 2, 4}, options, "train");
  std::set<std::size_t> classes_seen;
  for (std::uint64_t episode = 0; episode < 300; ++episode) {
    RandomStream random = stream(episode);
    const EpisodePlan plan = planner.draw(random);
    EXPECT_EQ(std::set(plan.classes.begin(), plan.classes.end()).size(), 3U);
    classes_seen.insert(plan.classes.begin(), plan.classes.end());
    ASSERT_EQ(plan.supports.size(), 6U);
    ASSERT_EQ(plan.queries.size(), 6U);
    const std::set<std::size_t> queries(plan.queries.begin(), plan.queries.end());
    EXPECT_EQ(queries.size(), 6U) << "a query twice";
    for (std::size_t i = 0; i < 6; ++i) {
      const SupportChoice& support = plan.supports[i];
      const ObjectBox& box = images[support.image].boxes.at(support.box);
      EXPECT_EQ(box.class_index, plan.classes[i / 2]);
      EXPECT_FALSE(box.is_crowd || box.is_difficult);
      EXPECT_FALSE(queries.contains(support.image));
      EXPECT_TRUE(shows(images[plan.queries[i]], plan.classes[i / 2]));
    }
    EXPECT_NE(plan.supports[0].image, plan.supports[1].image);
  }
  EXPECT_EQ(classes_seen, (std::set<std::size_t>{0, 1, 2, 4}));
}

TEST(EpisodePlanner, DrawsTheSameFromTheSameStreamAndElseOthers) {
  const std::vector<BoxedImage> images = mixed_images();
  const EpisodePlanner planner(images, kNames, {0, 1, 2, 3, 4}, {.n_way = 2, .k_shot = 1}, "train");
  std::size_t equal = 0;
  for (std::uint64_t episode = 0; episode < 50; ++episode) {
    RandomStream first = stream(episode);
    RandomStream again = stream(episode);
    RandomStream other = stream(episode + 1);
    const EpisodePlan plan = planner.draw(first);
    EXPECT_EQ(plan, planner.draw(again));
    equal += plan == planner.draw(other) ? 1 : 0;
  }
  EXPECT_LT(equal, 3U);
}

TEST(EpisodePlanner, ManagesWithJustEnoughImages) {
  const EpisodeOptions options{.n_way = 5, .k_shot = 3, .queries_per_class = 1};
  const auto needed = static_cast<int>(images_needed(options));
  ASSERT_EQ(needed, 8);
  const std::vector<BoxedImage> images = images_showing(needed, {0, 1, 2, 3, 4});
  const EpisodePlanner planner(images, kNames, {0, 1, 2, 3, 4}, options, "train");
  for (std::uint64_t episode = 0; episode < 50; ++episode) {
    RandomStream random = stream(episode);
    EXPECT_EQ(planner.draw(random).supports.size(), 15U);
  }
  EXPECT_THROW(EpisodePlanner(images_showing(needed - 1, {0, 1, 2, 3, 4}), kNames, {0, 1, 2, 3, 4}, options, "train"),
               DataError);
}

TEST(MostWays, AreThoseOfWhichTheScarcestClassHasEnoughImages) {
  EXPECT_EQ(most_ways({9, 7, 30}, 3), 3U);
  EXPECT_EQ(most_ways({9, 5, 30}, 3), 2U);
  EXPECT_EQ(most_ways({9, 3, 30}, 3), 0U);
  EXPECT_EQ(most_ways({}, 1), 0U);
  const EpisodeOptions options{.n_way = 2, .k_shot = 3, .queries_per_class = 1};
  std::vector<BoxedImage> images = images_showing(5, {0, 1, 2});
  EXPECT_NO_THROW(EpisodePlanner(images, kNames, {0, 1, 2}, options, "train"));
  images.pop_back();
  EXPECT_THROW(EpisodePlanner(images, kNames, {0, 1, 2}, options, "train"), DataError);
}

std::string error_of(const std::vector<BoxedImage>& images, const EpisodeOptions& options) {
  try {
    EpisodePlanner(images, kNames, {0, 1}, options, "valid and test");
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(EpisodePlanner, SaysWhichClassHasTooFewImages) {
  std::vector<BoxedImage> images = images_showing(6, {0}, "a");
  images.push_back(image_showing("b.jpg", {1, 1, 1}));
  EXPECT_EQ(
      error_of(images, {.n_way = 2, .k_shot = 2, .queries_per_class = 1}),
      "class 'b' is on 1 image(s) of valid and test, and episodes need 4 (--k-shot 2 for supports, --n-way 2 times "
      "--queries-per-class 1 for queries); lower one of these, or add images of the class");
}

TEST(EpisodePlanner, RefusesMoreWaysThanClasses) {
  EXPECT_THAT(error_of(images_showing(50, {0, 1}), {.n_way = 5}),
              AllOf(HasSubstr("--n-way is 5, but there are only 2 class(es) to draw from in valid and test"),
                    HasSubstr("give --n-way 2 or less")));
}

TEST(EpisodeOptions, AreChecked) {
  EXPECT_THAT(error_of({}, {.n_way = 0}), HasSubstr("--n-way is 0; give a number from 1 to 4096"));
  EXPECT_THAT(error_of({}, {.k_shot = 0}), HasSubstr("--k-shot is 0"));
  EXPECT_THAT(error_of({}, {.queries_per_class = 5000}), HasSubstr("--queries-per-class is 5000"));
  EXPECT_THAT(error_of({}, {.n_way = 2000, .k_shot = 2000}), HasSubstr("an episode of 4000000 supports"));
}

}  // namespace
}  // namespace lockstep::data
