#include "lockstep/data/volume_folders.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "tests/support/temp_folder.h"

namespace lockstep::data::volume_folders_test {
namespace {

using std::filesystem::path;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

void touch(const path& file) {
  make_directories(file.parent_path());
  write_file_atomically(file, "");
}

std::string find_message(const path& root) {
  try {
    find_volumes(root);
  } catch (const DataError& error) {
    return error.what();
  }
  return "found";
}

std::vector<std::string> ids_of(const std::vector<VolumePair>& pairs) {
  std::vector<std::string> ids;
  for (const VolumePair& pair : pairs) {
    ids.push_back(pair.id);
  }
  return ids;
}

/// Folders with so many training volumes.
VolumeFolders folders_of(int count, std::vector<VolumePair> test = {}) {
  VolumeFolders folders;
  for (int i = 0; i < count; ++i) {
    const std::string id = std::to_string(100 + i);
    folders.train.push_back({id, "images/" + id + ".tif", "labels/" + id + ".tif"});
  }
  folders.test = std::move(test);
  return folders;
}

TEST(FindVolumes, PairsVolumesWithLabelsByName) {
  const test::TempFolder folder;
  for (const char* file :
       {"train_images/20.tif", "train_images/3.TIFF", "train_images/.4.tif", "train_images/notes.txt",
        "train_labels/20.tiff", "train_labels/3.tif", "train_labels/9.tif", "test_images/1.tif"}) {
    touch(folder / file);
  }
  make_directories(folder / "train_images/folder.tif");
  const VolumeFolders found = find_volumes(folder.path());
  EXPECT_THAT(ids_of(found.train), ElementsAre("20", "3"));
  EXPECT_EQ(found.train[0].label, folder / "train_labels/20.tiff");
  EXPECT_THAT(found.labels_without_image, ElementsAre(folder / "train_labels/9.tif"));
  EXPECT_THAT(ids_of(found.test), ElementsAre("1"));
  EXPECT_TRUE(found.test[0].label.empty());
}

TEST(FindVolumes, SaysWhatIsMissing) {
  const test::TempFolder folder;
  EXPECT_THAT(find_message(folder / "none"),
              HasSubstr("none; give a folder with train_images/ID.tif and train_labels"));
  EXPECT_THAT(find_message(folder.path()), HasSubstr("train_images; give a folder with train_images/ID.tif"));
  make_directories(folder / "train_images");
  EXPECT_THAT(find_message(folder.path()), HasSubstr("no volume (.tif, .tiff) in "));
  for (const char* file : {"train_images/1.tif", "train_images/2.tif", "train_images/3.tif", "train_images/4.tif",
                           "train_images/5.tif", "train_labels/3.tif"}) {
    touch(folder / file);
  }
  EXPECT_THAT(find_message(folder.path()),
              HasSubstr("4 volume(s) without a label in " + (folder / "train_labels").string() + ": " +
                        (folder / "train_images/1.tif").string() + ", "));
  EXPECT_THAT(find_message(folder.path()), HasSubstr("4.tif, …; add labels of the same name, or remove the volumes"));
  touch(folder / "train_images/3.tiff");
  EXPECT_THAT(find_message(folder.path()), HasSubstr("3.tif and 3.tiff have the same name; rename or remove one"));
}

TEST(FindVolumes, WantsAllTestLabelsWhereThereAreSome) {
  const test::TempFolder folder;
  for (const char* file :
       {"train_images/1.tif", "train_labels/1.tif", "test_images/7.tif", "test_images/8.tif", "test_labels/8.tif"}) {
    touch(folder / file);
  }
  EXPECT_THAT(find_message(folder.path()), HasSubstr("1 volume(s) without a label in "));
  touch(folder / "test_labels/7.tif");
  EXPECT_EQ(find_volumes(folder.path()).test[0].label, folder / "test_labels/7.tif");
}

TEST(FindImagesOfVolumes, TakesAFileAFolderOrTheTestsOfAFolder) {
  const test::TempFolder folder;
  touch(folder / "mine/9.tif");
  touch(folder / "whole/test_images/3.tif");
  EXPECT_THAT(ids_of(find_images_of_volumes(folder / "mine/9.tif")), ElementsAre("9"));
  EXPECT_THAT(ids_of(find_images_of_volumes(folder / "mine")), ElementsAre("9"));
  EXPECT_THAT(ids_of(find_images_of_volumes(folder / "whole")), ElementsAre("3"));
  EXPECT_THROW(find_images_of_volumes(folder / "none"), DataError);
}

TEST(SplitVolumes, EvaluatesOnLabelledTestsOrOnWhatIsNamed) {
  const VolumeFolders tested = folders_of(3, {{"900", "a.tif", "b.tif"}});
  EXPECT_THAT(ids_of(split_volumes(tested, {}).evaluation), ElementsAre("900"));
  EXPECT_THAT(ids_of(split_volumes(tested, {}).training), ElementsAre("100", "101", "102"));
  EXPECT_EQ(split_volumes(tested, {}).words, "3 volume(s) to learn from, 1 in test_labels to evaluate on");
  const VolumeSplit named = split_volumes(tested, {.ids = {"101"}});
  EXPECT_THAT(ids_of(named.evaluation), ElementsAre("101"));
  EXPECT_THAT(ids_of(named.training), ElementsAre("100", "102"));
  EXPECT_EQ(ids_of(split_volumes(folders_of(3, {{"900", "a.tif", {}}}), {}).evaluation).size(), 1U);
}

TEST(SplitVolumes, HoldsAShareOutThatTheSeedDraws) {
  std::set<std::vector<std::string>> splits;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const VolumeSplit split = split_volumes(folders_of(10), {.share = 0.3, .seed = seed});
    EXPECT_EQ(split.evaluation.size(), 3U);
    EXPECT_EQ(split.training.size(), 7U);
    EXPECT_EQ(ids_of(split.evaluation), ids_of(split_volumes(folders_of(10), {.share = 0.3, .seed = seed}).evaluation));
    splits.insert(ids_of(split.evaluation));
  }
  EXPECT_GT(splits.size(), 10U);
  EXPECT_EQ(split_volumes(folders_of(2), {.share = 0.01}).evaluation.size(), 1U);
  EXPECT_EQ(split_volumes(folders_of(2), {.share = 0.99}).training.size(), 1U);
}

TEST(SplitVolumes, RefusesWhatCannotBe) {
  EXPECT_THROW(split_volumes(folders_of(1), {}), DataError);
  EXPECT_THROW(split_volumes(folders_of(2), {.ids = {"100", "101"}}), DataError);
  EXPECT_THROW(split_volumes(folders_of(2), {.ids = {"7"}}), UsageError);
  EXPECT_THROW(split_volumes(folders_of(2), {.share = 0}), UsageError);
  EXPECT_THROW(split_volumes(folders_of(2), {.share = 1}), UsageError);
}

}  // namespace
}  // namespace lockstep::data::volume_folders_test
