#include "lockstep/data/coco_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lockstep/base/error.h"

namespace lockstep::data::coco_json_test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kImages =
    R"({"id": 5, "file_name": "a.jpg", "width": 64, "height": 48}, {"id": 6, "file_name": "b.jpg"})";
constexpr const char* kCategories = R"({"id": 9, "name": "dog"}, {"id": 2, "name": "cat"})";

std::string file(const std::string& annotations, const std::string& images = kImages,
                 const std::string& categories = kCategories) {
  return R"({"info": {"x": [1, {"y": null}]}, "annotations": [)" + annotations + R"(], "images": [)" + images +
         R"(], "categories": [)" + categories + "]}";
}

std::string error_of(const std::string& json) {
  try {
    parse_coco(json, "set/c.json");
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

TEST(CocoJson, GivesClassesByIdAndBoxesByImage) {
  const Annotations read = parse_coco(
      file(R"({"id": 1, "image_id": 5, "category_id": 9, "bbox": [1, 2.5, 3, 4], "segmentation": [[1, 2], {"a": 3}],
               "iscrowd": 1, "area": 5},
              {"id": 2, "image_id": 5, "category_id": 2, "bbox": [10, 20, -3, 4]})"),
      "c.json");
  EXPECT_THAT(read.classes, ElementsAre("cat", "dog"));
  ASSERT_EQ(read.images.size(), 2U);
  EXPECT_EQ(read.images[0].id, 5);
  EXPECT_EQ(read.images[0].image_name, "a.jpg");
  EXPECT_EQ(read.images[0].size, (media::ImageSize{64, 48}));
  EXPECT_EQ(read.images[1].size, media::ImageSize{});
  ASSERT_EQ(read.images[0].boxes.size(), 2U);
  const NamedBox& box = read.images[0].boxes[0];
  EXPECT_THAT((std::vector<double>{box.x0, box.y0, box.x1, box.y1}), ElementsAre(1, 2.5, 4, 6.5));
  EXPECT_EQ(box.class_name, "dog");
  EXPECT_TRUE(box.is_crowd);
  EXPECT_EQ(read.images[0].boxes[1].x1, 7);
  EXPECT_FALSE(read.images[0].boxes[1].is_crowd);
  EXPECT_TRUE(read.traps.empty());
}

TEST(CocoJson, OddIdsAreCounted) {
  const Annotations read = parse_coco(file(R"({"id": 1, "image_id": 5, "category_id": 9, "bbox": [1, 2, 3, 4]},
                                              {"id": 1, "image_id": 6, "category_id": 3, "bbox": [1, 2, 3, 4]},
                                              {"id": 2, "image_id": 7, "category_id": 9, "bbox": [1, 2, 3, 4]})",
                                           std::string(kImages) + R"(, {"id": 5, "file_name": "a.jpg"})",
                                           std::string(kCategories) + R"(, {"id": 3, "name": "dog"})"),
                                      "c.json");
  EXPECT_THAT(read.classes, ElementsAre("cat", "dog"));
  EXPECT_EQ(read.images.size(), 2U);
  EXPECT_EQ(read.images[1].boxes.at(0).class_name, "dog");
  EXPECT_EQ(read.traps.times(Trap::kAnnotationIdTwice), 1U);
  EXPECT_EQ(read.traps.times(Trap::kBoxOfUnknownImage), 1U);
  EXPECT_EQ(read.traps.times(Trap::kImageTwice), 1U);
  EXPECT_EQ(read.traps.times(Trap::kClassWithSeveralIds), 1U);
}

TEST(CocoJson, IdsThatContradictEachOtherAreRefused) {
  EXPECT_THAT(error_of(file("", std::string(kImages) + R"(, {"id": 5, "file_name": "c.jpg"})")),
              HasSubstr("set/c.json: images[2] (id 5): 'c.jpg' has the id of 'a.jpg'; give each image its own id"));
  EXPECT_THAT(error_of(file("", kImages, std::string(kCategories) + R"(, {"id": 2, "name": "bird"})")),
              HasSubstr("set/c.json: categories[2] (id 2): 'bird' has the id of 'cat'; give each category its own id"));
  EXPECT_THAT(error_of(file(R"({"id": 1, "image_id": 5, "category_id": 4, "bbox": [1, 2, 3, 4]})")),
              HasSubstr("an annotation of 'a.jpg' is of category 4, which is not listed; add the category"));
}

TEST(CocoJson, WhatIsWrongIsNamedWithItsEntry) {
  const std::string good = R"({"id": 1, "image_id": 5, "category_id": 9, "bbox": [1, 2, 3, 4]}, )";
  EXPECT_THAT(error_of(file(good + R"({"id": 8, "image_id": 5, "category_id": 9, "bbox": [1, 2, "3", 4]})")),
              HasSubstr("set/c.json: annotations[1] (id 8): bbox[2] is '\"3\"', which is no place in an image"));
  for (const char* bbox : {"[]", "[1, 2, 3]", "[1, 2, 3, [4]]", "5", "null", "{}"}) {
    EXPECT_THAT(error_of(file(good + R"({"id": 8, "image_id": 5, "category_id": 9, "bbox": )" + bbox + "}")),
                HasSubstr("annotations[1] (id 8) has no 'bbox' of four numbers"))
        << bbox;
  }
  EXPECT_THAT(error_of(file(R"({"image_id": 5, "category_id": 9, "bbox": [1, 2, 1e300, 4]})")),
              HasSubstr("annotations[0]: bbox[2] is '1e+300'"));
  EXPECT_THAT(error_of(file(R"({"image_id": "a", "category_id": 9, "bbox": [1, 2, 3, 4]})")),
              HasSubstr("annotations[0] has no whole number as 'image_id'"));
  EXPECT_THAT(error_of(file(R"({"image_id": 18446744073709551615, "category_id": 9, "bbox": [1, 2, 3, 4]})")),
              HasSubstr("annotations[0] has no whole number as 'image_id'"));
  EXPECT_THAT(error_of(file("", R"({"id": 1})")), HasSubstr("images[0] (id 1) has no words as 'file_name'"));
  EXPECT_THAT(error_of(file("", R"({"id": 1, "file_name": "a", "width": -4, "height": 3})")),
              HasSubstr("images[0] (id 1): its size is -4x3"));
  EXPECT_THAT(error_of(file("", kImages, R"({"id": 1, "name": " "})")), HasSubstr("'name' is empty"));
}

TEST(CocoJson, WhatIsNoAnnotationIsRefused) {
  EXPECT_THAT(error_of("{"), HasSubstr("set/c.json is no JSON: "));
  EXPECT_THAT(error_of(""), HasSubstr("set/c.json is no JSON: "));
  EXPECT_THAT(error_of(R"({"images": NaN})"), HasSubstr("set/c.json is no JSON: "));
  EXPECT_THAT(error_of(R"({"info": 1e999})"), HasSubstr("set/c.json is no JSON: "));
  EXPECT_THAT(error_of("[]"), HasSubstr("set/c.json: it is no object with names and values"));
  EXPECT_THAT(error_of("5"), HasSubstr("set/c.json: it is no object with names and values"));
  EXPECT_THAT(error_of("{}"), HasSubstr("it has no 'images'"));
  EXPECT_THAT(error_of(R"({"images": {"a": 1}})"), HasSubstr("'images' is no list"));
  EXPECT_THAT(error_of(R"({"images": 5})"), HasSubstr("'images' is no list"));
  EXPECT_THAT(error_of(R"({"images": [[]]})"), HasSubstr("images[0] is no object"));
  EXPECT_THAT(error_of(R"({"images": [], "images": []})"), HasSubstr("'images' is there twice"));
}

TEST(CocoJson, DeepNestingIsBorneAndKeptOut) {
  constexpr std::size_t kDeep = 2'000'000;
  const std::string open(kDeep, '[');
  const std::string close(kDeep, ']');
  EXPECT_THAT(error_of(open), HasSubstr("it is no object"));
  EXPECT_THAT(error_of(R"({"info": )" + open), HasSubstr("is no JSON"));
  const std::string deep = open + close;
  const Annotations read = parse_coco(
      file(R"({"id": 1, "image_id": 5, "category_id": 9, "bbox": [1, 2, 3, 4], "segmentation": )" + deep + "}"), "c");
  EXPECT_EQ(read.images[0].boxes.size(), 1U);
  EXPECT_THAT(error_of(file(R"({"id": 1, "image_id": 5, "category_id": 9, "bbox": )" + deep + "}")),
              HasSubstr("has no 'bbox' of four numbers"));
}

}  // namespace
}  // namespace lockstep::data::coco_json_test
