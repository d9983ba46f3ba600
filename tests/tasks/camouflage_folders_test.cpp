#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/text.h"
#include "lockstep/tasks/camouflage/folders.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::tasks::camouflage::camouflage_folders_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

void touch(const std::filesystem::path& file) {
  lockstep::make_directories(file.parent_path());
  write_file_atomically(file, "");
}

std::vector<std::string> names_of(const std::vector<data::ImageMaskPair>& pairs) {
  std::vector<std::string> names;
  for (const data::ImageMaskPair& pair : pairs) {
    names.push_back(pair.name);
  }
  return names;
}

std::string error_of(const std::filesystem::path& root) {
  try {
    find_folders(root, false);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(CamouflageFolders, FindsTheLayoutOfCod10k) {
  const test::TempFolder folder;
  for (const char* name : {"COD10K-CAM-2", "COD10K-CAM-1", "COD10K-NonCAM-3"}) {
    touch(folder / "Train/Image" / text(name, ".jpg"));
    touch(folder / "Train/GT_Object" / text(name, ".png"));
  }
  touch(folder / "Test/Image/COD10K-CAM-4.jpg");
  touch(folder / "Test/GT_Object/COD10K-CAM-4.png");
  const Folders folders = find_folders(folder.path(), false);
  EXPECT_THAT(folders.layout, HasSubstr("COD10K"));
  EXPECT_THAT(names_of(folders.train), ElementsAre("COD10K-CAM-1", "COD10K-CAM-2"));
  EXPECT_EQ(folders.train[0].mask, folder / "Train/GT_Object/COD10K-CAM-1.png");
  EXPECT_THAT(names_of(folders.test), ElementsAre("COD10K-CAM-4"));
  EXPECT_TRUE(folders.masks_without_image.empty());
  EXPECT_EQ(find_folders(folder.path(), true).train.size(), 3U);
}

TEST(CamouflageFolders, ListsMasksWithoutImageAndIgnoresOtherFiles) {
  const test::TempFolder folder;
  for (const char* file : {"train/images/a.JPG", "train/images/notes.txt", "train/images/._a.jpg", "train/Masks/a.png",
                           "train/Masks/b.png", "test/images/c.jpeg", "test/masks/c.png"}) {
    touch(folder / file);
  }
  const Folders folders = find_folders(folder.path(), false);
  EXPECT_THAT(names_of(folders.train), ElementsAre("a"));
  EXPECT_THAT(folders.masks_without_image, ElementsAre(folder / "train/Masks/b.png"));
}

TEST(CamouflageFolders, HoldsOutAFifthByNameWithoutATestSet) {
  const test::TempFolder folder;
  for (int i = 0; i < 20; ++i) {
    touch(folder / text("images/photo", i, ".jpg"));
    touch(folder / text("masks/photo", i, ".png"));
  }
  const Folders folders = find_folders(folder.path(), false);
  EXPECT_EQ(folders.train.size(), 16U);
  EXPECT_EQ(folders.test.size(), 4U);
  EXPECT_THAT(folders.layout, HasSubstr("held out"));
  EXPECT_EQ(names_of(folders.test), names_of(find_folders(folder.path(), false).test));
}

TEST(CamouflageFolders, HoldsOutNothingWhereAllAreToBeMeasured) {
  const test::TempFolder folder;
  for (const char* file :
       {"images/a.jpg", "images/b.jpg", "images/c.jpg", "masks/a.png", "masks/b.png", "masks/c.png"}) {
    touch(folder / file);
  }
  const Folders folders = find_folders(folder.path(), false, /*holds_out=*/false);
  EXPECT_THAT(names_of(folders.test), ElementsAre("a", "b", "c"));
  EXPECT_THAT(folders.layout, testing::Not(HasSubstr("held out")));
}

TEST(CamouflageFolders, ATestSetOfItsOwnIsAllThatIsMeasured) {
  const test::TempFolder folder;
  for (const char* file : {"train/images/a.jpg", "train/masks/a.png", "test/images/b.jpg", "test/masks/b.png"}) {
    touch(folder / file);
  }
  EXPECT_THAT(names_of(find_folders(folder.path(), false, /*holds_out=*/false).test), ElementsAre("b"));
}

TEST(CamouflageFolders, NamesTheImagesWithoutMask) {
  const test::TempFolder folder;
  for (const char* name : {"a", "b", "c", "d"}) {
    touch(folder / "images" / text(name, ".jpg"));
  }
  touch(folder / "masks/a.png");
  EXPECT_THAT(error_of(folder.path()), testing::AllOf(HasSubstr("3 image(s) without a mask"), HasSubstr("b.jpg")));
}

TEST(CamouflageFolders, RefusesTwoImagesOfOneName) {
  const test::TempFolder folder;
  for (const char* file : {"images/a.jpg", "images/a.png", "masks/a.png"}) {
    touch(folder / file);
  }
  EXPECT_THAT(error_of(folder.path()), HasSubstr("a.jpg and a.png have the same name"));
}

TEST(CamouflageFolders, SaysWhichLayoutsItUnderstands) {
  const test::TempFolder folder;
  EXPECT_THAT(error_of(folder.path()), HasSubstr("GT_Object"));
  EXPECT_THAT(error_of(folder / "nowhere"), testing::AllOf(HasSubstr("nowhere"), HasSubstr("GT_Object")));
}

TEST(CamouflageFolders, FindsImagesToPredict) {
  const test::TempFolder folder;
  touch(folder / "b.png");
  touch(folder / "a.jpg");
  EXPECT_THAT(names_of(find_images(folder.path())), ElementsAre("a", "b"));
  EXPECT_THAT(names_of(find_images(folder / "b.png")), ElementsAre("b"));
  EXPECT_THROW(find_images(folder / "none"), DataError);
}

TEST(CamouflageFolders, FindsRealPhotographs) {
  const std::filesystem::path nuclei = test::shared_data("nuclei");
  if (nuclei.empty()) {
    GTEST_SKIP() << "no shared data";
  }
  const Folders folders = find_folders(nuclei, false);
  EXPECT_EQ(folders.train.size(), 80U);
  EXPECT_EQ(folders.test.size(), 30U);
}

}  // namespace
}  // namespace lockstep::tasks::camouflage::camouflage_folders_test
