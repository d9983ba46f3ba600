#include "lockstep/data/box_folders.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/data/box_sources.h"
#include "lockstep/media/encode.h"
#include "tests/support/photographs.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::data::box_folders_test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A dataset that a test writes down.
class Boxes : public testing::Test {
 protected:
  std::filesystem::path root() const { return folder_.path(); }

  void write(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories((root() / name).parent_path());
    write_file_atomically(root() / name, content);
  }

  void write_image(const std::string& name, media::ImageSize size = {64, 48}) const {
    std::filesystem::create_directories((root() / name).parent_path());
    write_file_atomically(root() / name, media::encode_jpeg(test::make_photograph(1, size), 80));
  }

  /// An annotation of VOC with boxes given as "class x0 y0 x1 y1".
  void write_voc(const std::string& name, const std::vector<std::string>& boxes, const std::string& image = "",
                 int width = 64) const {
    std::string objects;
    for (const std::string& box : boxes) {
      char label[32];
      double edges[4];
      ASSERT_EQ(std::sscanf(box.c_str(), "%31s %lf %lf %lf %lf", label, edges, edges + 1, edges + 2, edges + 3), 5);
      objects += std::string("<object><name>") + label + "</name><bndbox><xmin>" + std::to_string(edges[0]) +
                 "</xmin><ymin>" + std::to_string(edges[1]) + "</ymin><xmax>" + std::to_string(edges[2]) +
                 "</xmax><ymax>" + std::to_string(edges[3]) + "</ymax></bndbox></object>";
    }
    write(name, "<annotation><filename>" + image + "</filename><size><width>" + std::to_string(width) +
                    "</width><height>48</height></size>" + objects + "</annotation>");
  }

  void write_coco(const std::string& name, const std::string& images, const std::string& annotations,
                  const std::string& categories = R"({"id": 0, "name": "all"}, {"id": 3, "name": "cat"})") const {
    write(name, R"({"images": [)" + images + R"(], "annotations": [)" + annotations + R"(], "categories": [)" +
                    categories + "]}");
  }

  std::string error_of() const {
    try {
      read_box_set(root());
    } catch (const DataError& error) {
      return error.what();
    }
    return "no error";
  }

 private:
  test::TempFolder folder_;
};

std::vector<std::string> names_of(const BoxSet& set, const std::string& split) {
  std::vector<std::string> names;
  for (const BoxedImage& image : set.find_split(split)->images) {
    names.push_back(image.file.filename().string());
  }
  return names;
}

constexpr const char* kCocoImage = R"({"id": 1, "file_name": "a.jpg", "width": 64, "height": 48})";
constexpr const char* kCocoBox = R"({"id": 1, "image_id": 1, "category_id": 3, "bbox": [1, 2, 30, 40]})";

TEST_F(Boxes, OfVocComeInTheSplitsOfItsLists) {
  for (const char* name : {"a", "b", "c", "d"}) {
    write_image(std::string("JPEGImages/") + name + ".jpg");
    write_voc(std::string("Annotations/") + name + ".xml", {"dog 1 2 30 40"});
  }
  write_voc("Annotations/b.xml", {"cat 1 2 30 40", "dog 2 3 4 5"});
  write("ImageSets/Main/train.txt", "b\r\na  1\n\n");
  write("ImageSets/Main/test.txt", "c\na\n");
  write("ImageSets/Main/trainval.txt", "a\nb\nd\n");
  const BoxSet set = read_box_set(root());
  EXPECT_EQ(set.layout, "boxes, VOC's XML");
  EXPECT_THAT(set.classes, ElementsAre("cat", "dog"));
  ASSERT_EQ(set.splits.size(), 2U);
  EXPECT_THAT(names_of(set, "train"), ElementsAre("b.jpg", "a.jpg"));
  EXPECT_THAT(names_of(set, "test"), ElementsAre("c.jpg", "a.jpg"));
  const BoxedImage& image = set.splits[0].images[0];
  EXPECT_EQ(image.size, (media::ImageSize{64, 48}));
  EXPECT_EQ(image.id, 1);
  ASSERT_EQ(image.boxes.size(), 2U);
  EXPECT_EQ(image.boxes[0].class_index, 0U);
  EXPECT_EQ(image.boxes[1].class_index, 1U);
  EXPECT_EQ(image.boxes[0].x1, 30);
  EXPECT_EQ(set.traps.times(Trap::kAnnotationInNoList), 1U);
  EXPECT_EQ(set.traps.times(Trap::kImageNotAnnotated), 1U);
  EXPECT_EQ(set.traps.times(Trap::kImageInSeveralSplits), 1U);
  write("ImageSets/Main/test.txt", "c\nlost\n");
  EXPECT_THAT(error_of(), AllOf(HasSubstr("1 name(s) in"), HasSubstr("ImageSets/Main/test.txt"), HasSubstr(": lost;")));
}

TEST_F(Boxes, MayStandBesideTheirImages) {
  write_image("images/train_zip/train/IMG_1.JPG");
  write_voc("images/train_zip/train/IMG_1.xml", {"ace 1 2 30 40"}, "IMG_1.jpg");
  write_image("images/test/cam.jpeg");
  write_voc("images/test/other.xml", {"king 1 2 30 40"}, "C:\\photos\\cam.jpeg");
  const BoxSet set = read_box_set(root());
  EXPECT_THAT(names_of(set, "train"), ElementsAre("IMG_1.JPG"));
  EXPECT_THAT(names_of(set, "test"), ElementsAre("cam.jpeg"));
  EXPECT_EQ(set.traps.times(Trap::kImageUnderOtherName), 2U);  // another ending, another folder's path
}

TEST_F(Boxes, OfVocMayLieInFoldersOfSplitsBesideThoseOfImages) {
  write_image("images/val/1.jpg");
  write_voc("annotations/val/1.xml", {"ace 1 2 30 40"});
  EXPECT_THAT(names_of(read_box_set(root()), "valid"), ElementsAre("1.jpg"));
}

TEST_F(Boxes, OfCocoComeByFolderOrByFileName) {
  write_image("train/a.jpg");
  write_coco("train/_annotations.coco.json", kCocoImage, kCocoBox);
  write_image("val2017/a.jpg");
  write_coco("annotations/instances_val2017.json", kCocoImage, "");
  write_image("images/deep/c.jpg");
  write_coco("annotations/instances_test.json", R"({"id": 7, "file_name": "deep/c.jpg"})", "");
  write("annotations/captions_val2017.json", "{}");
  const BoxSet set = read_box_set(root());
  EXPECT_EQ(set.layout, "boxes, COCO's JSON");
  EXPECT_THAT(set.classes, ElementsAre("all", "cat"));
  ASSERT_EQ(set.splits.size(), 3U);
  EXPECT_EQ(set.find_split("train")->images[0].file, root() / "train/a.jpg");
  EXPECT_EQ(set.find_split("valid")->images[0].file, root() / "val2017/a.jpg");
  EXPECT_EQ(set.find_split("test")->images[0].file, root() / "images/deep/c.jpg");
  EXPECT_EQ(set.find_split("test")->images[0].size, (media::ImageSize{64, 48}));
  EXPECT_EQ(set.find_split("test")->images[0].id, 7);
  EXPECT_EQ(set.traps.times(Trap::kSizeNotGiven), 1U);
  EXPECT_EQ(set.traps.times(Trap::kImageWithoutBox), 2U);
  EXPECT_EQ(set.traps.times(Trap::kClassWithoutBox), 1U);
  EXPECT_EQ(set.find_split("all"), nullptr);
}

TEST_F(Boxes, ThatAreOddArePutRightOrLeftOutAndCounted) {
  write_image("a.jpg");
  write_voc("a.xml", {"cat -5 2 30 400", "cat 5 5 5 9", "cat 30 40 1 2", "cat 64 0 70 9", "Cat 1 1 2 2"});
  const BoxSet set = read_box_set(root());
  const std::vector<ObjectBox>& boxes = set.splits.at(0).images.at(0).boxes;
  ASSERT_EQ(boxes.size(), 3U);
  EXPECT_EQ(boxes[0].x0, 0);
  EXPECT_EQ(boxes[0].y1, 48);
  EXPECT_EQ(boxes[1].x0, 1);
  EXPECT_EQ(boxes[1].y1, 40);
  EXPECT_EQ(set.traps.times(Trap::kClippedBox), 1U);
  EXPECT_EQ(set.traps.times(Trap::kEmptyBox), 1U);
  EXPECT_EQ(set.traps.times(Trap::kInvertedBox), 1U);
  EXPECT_EQ(set.traps.times(Trap::kOutsideBox), 1U);
  EXPECT_EQ(set.traps.times(Trap::kSimilarClasses), 1U);
  EXPECT_THAT(set.traps.lines(),
              testing::Contains(AllOf(HasSubstr("1 boxes without area, left out: "), HasSubstr("a.xml ('cat')"))));
}

TEST_F(Boxes, MissingAndAmbiguousImagesAreNamed) {
  write_image("a.jpg");
  write_voc("a.xml", {});
  write_voc("b.xml", {});
  EXPECT_THAT(error_of(), AllOf(HasSubstr("1 annotation(s) without an image of their name"), HasSubstr("b.xml")));
  write_image("b.jpg");
  write_image("b.JPEG");
  EXPECT_THAT(error_of(), AllOf(HasSubstr("could both be the image of the annotation 'b'"), HasSubstr("b.JPEG")));
}

TEST_F(Boxes, MissingImagesOfCocoAreNamed) {
  write_image("b.jpg");
  write_coco("_annotations.coco.json", kCocoImage, kCocoBox);
  EXPECT_THAT(error_of(),
              AllOf(HasSubstr("1 image(s) of "), HasSubstr("_annotations.coco.json"), HasSubstr(": a.jpg;")));
}

TEST_F(Boxes, NamesThatLeadOutOfTheFolderAreLookedUpInIt) {
  write_image("set/passwd.jpg");
  write_image("passwd.jpg");
  write_coco("set/_annotations.coco.json", R"({"id": 1, "file_name": "../passwd.jpg"})", "");
  const BoxSet set = read_box_set(root() / "set");
  EXPECT_EQ(set.splits.at(0).images.at(0).file, root() / "set/passwd.jpg");
}

TEST_F(Boxes, TwoFilesForOneSplitAreRefused) {
  write_image("train/a.jpg");
  write_coco("train/_annotations.coco.json", kCocoImage, kCocoBox);
  write_coco("annotations/instances_train.json", kCocoImage, kCocoBox);
  EXPECT_THAT(error_of(), HasSubstr("are both of the split 'train'; give a folder with one of them"));
  write_image("test/a.jpg");
  write_voc("test/a.xml", {});
  EXPECT_THAT(error_of(), HasSubstr("are annotations of two kinds; give a folder with one of them"));
}

TEST_F(Boxes, AFolderWithoutThemIsToldTheLayouts) {
  EXPECT_FALSE(holds_boxes(root()));
  EXPECT_THAT(error_of(),
              AllOf(HasSubstr("no images with boxes in"), HasSubstr("JPEGImages"), HasSubstr("instances_")));
  write_image("a.jpg");
  write_coco("_annotations.coco.json", "", "");
  EXPECT_TRUE(holds_boxes(root()));
  EXPECT_THAT(error_of(), HasSubstr("name no image"));
}

TEST(SplitNames, AreSeenInNamesOfFoldersAndFiles) {
  for (const char* name : {"train", "Training", "train2017", "train_zip", "trainval"}) {
    EXPECT_EQ(split_of_name(name), "train") << name;
  }
  EXPECT_EQ(split_of_name("val"), "valid");
  EXPECT_EQ(split_of_name("validation-set"), "valid");
  EXPECT_EQ(split_of_name("test"), "test");
  EXPECT_EQ(split_of_name("trains"), "");
  EXPECT_EQ(split_of_name("images"), "");
}

/// The set in the words of boxes_reference.py.
std::string lines_of(const BoxSet& set) {
  std::vector<std::string> lines;
  for (const BoxSplit& split : set.splits) {
    for (const BoxedImage& image : split.images) {
      std::vector<std::string> words;
      for (const ObjectBox& box : image.boxes) {
        char edges[128];
        std::snprintf(edges, sizeof(edges), ":%.3f:%.3f:%.3f:%.3f", box.x0, box.y0, box.x1, box.y1);
        words.push_back(set.classes[box.class_index] + edges);
      }
      std::sort(words.begin(), words.end());
      std::string line = split.name + " " + image.file.filename().string();
      for (const std::string& word : words) {
        line += " " + word;
      }
      lines.push_back(line);
    }
  }
  std::sort(lines.begin(), lines.end());
  std::string all;
  for (const std::string& line : lines) {
    all += line + "\n";
  }
  return all;
}

TEST(RealBoxes, OfChessAreThoseOfPycocotools) {
  const std::filesystem::path folder = test::shared_data("chess");
  if (folder.empty() || !test::python_has({"pycocotools"})) {
    GTEST_SKIP() << "needs the chess set and Python with pycocotools";
  }
  const BoxSet set = read_box_set(folder);
  const test::ProcessResult reference = test::run_python("tests/data/boxes_reference.py", {"coco", folder});
  ASSERT_EQ(reference.exit_code, 0) << reference.errors;
  EXPECT_TRUE(lines_of(set) == reference.output);
  EXPECT_EQ(set.classes.size(), 14U);
  EXPECT_EQ(set.traps.times(Trap::kClassWithoutBox), 2U);  // the supercategory "pieces", and "bishop"
}

TEST(RealBoxes, OfBloodCellsAreThoseOfElementTree) {
  const std::filesystem::path folder = test::shared_data("bccd");
  if (folder.empty() || !test::python_has({"xml"})) {
    GTEST_SKIP() << "needs the bccd set and Python";
  }
  const BoxSet set = read_box_set(folder);
  const test::ProcessResult reference = test::run_python("tests/data/boxes_reference.py", {"voc", folder});
  ASSERT_EQ(reference.exit_code, 0) << reference.errors;
  EXPECT_TRUE(lines_of(set) == reference.output);
  EXPECT_THAT(set.classes, ElementsAre("Platelets", "RBC", "WBC"));
  EXPECT_EQ(set.traps.times(Trap::kEmptyBox), 2U);
  EXPECT_THAT(set.traps.lines(),
              testing::Contains(AllOf(HasSubstr("2 boxes without area, left out"), HasSubstr("BloodImage_00338.xml"),
                                      HasSubstr("BloodImage_00343.xml"))));
}

}  // namespace
}  // namespace lockstep::data::box_folders_test
