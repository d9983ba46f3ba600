#include "lockstep/cli/data_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lockstep/base/files.h"
#include "lockstep/base/text.h"
#include "lockstep/media/encode.h"
#include "tests/cli/sample_options.h"
#include "tests/support/membranes.h"
#include "tests/support/photographs.h"
#include "tests/support/temp_folder.h"

namespace lockstep::cli::data_check_test {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

/// What the command prints, and the message of its DataError.
struct Answer {
  std::string output;
  std::string error;
};

Answer check(const std::filesystem::path& folder) {
  Answer answer;
  testing::internal::CaptureStdout();
  try {
    data_check("lockstep data check", {folder.string(), "--num-workers", "2"});
  } catch (const DataError& error) {
    answer.error = error.what();
  }
  answer.output = testing::internal::GetCapturedStdout();
  return answer;
}

void write_voc(const std::filesystem::path& file, int width, const std::string& name = "cat") {
  write_file_atomically(file, "<annotation><size><width>" + std::to_string(width) +
                                  "</width><height>48</height></size><object><name>" + name +
                                  "</name><bndbox><xmin>-1</xmin>"
                                  "<ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object></annotation>");
}

TEST(DataCheckCommand, TellsOfVolumes) {
  const test::TempFolder folder;
  test::write_membranes(folder.path(), {4, 20, 24}, /*train=*/2, /*test=*/1, /*with_test_labels=*/false);
  const Answer answer = check(folder.path());
  EXPECT_EQ(answer.error, "");
  EXPECT_THAT(answer.output, HasSubstr(": volumes, train and test\n"));
  EXPECT_THAT(answer.output, ContainsRegex("train +2 +4x20x24 +[0-9.]+ % .* +[0-9.]+ % "));
  EXPECT_THAT(answer.output, ContainsRegex("test +1 +4x20x24 +- +-"));
  write_file_atomically(folder / "train_labels/101.tif", read_file(folder / "train_images/101.tif"));
  const Answer refusal = check(folder.path());
  EXPECT_THAT(refusal.error, HasSubstr("1 sample(s) that training would refuse"));
  EXPECT_THAT(refusal.output, HasSubstr("101.tif"));
}

TEST(DataCheckCommand, TellsOfMasks) {
  const test::TempFolder folder;
  test::write_dataset(folder.path(), /*training=*/4, /*test=*/1);
  write_file_atomically(folder / "train/masks/photo-00.png", media::encode_png(media::Image(8, 8, 1)));
  write_file_atomically(folder / "train/images/photo-00.jpg",
                        media::encode_jpeg(test::make_photograph(0, {64, 64}), 90));
  write_file_atomically(folder / "train/masks/lone.png", media::encode_png(test::make_mask(1, {9, 9})));
  const Answer answer = check(folder.path());
  EXPECT_EQ(answer.error, "");
  EXPECT_THAT(answer.output, HasSubstr(": images and masks, train and test\n"));
  EXPECT_THAT(answer.output, ContainsRegex("train +4 +[0-9]+x[0-9]+ … [0-9]+x[0-9]+, median .* % \\(0.0 … "));
  EXPECT_THAT(answer.output, ContainsRegex("test +1 +[0-9]+x[0-9]+ +[0-9.]+ %"));
  EXPECT_THAT(answer.output, HasSubstr("1 masks in which nothing is marked, taken as they are: "));
  EXPECT_THAT(answer.output, HasSubstr("1 masks without an image, left out: "));
  EXPECT_THAT(answer.output, Not(HasSubstr("refuse")));
}

TEST(DataCheckCommand, TellsWhatTrainingWouldRefuse) {
  const test::TempFolder folder;
  test::write_dataset(folder.path(), /*training=*/4, /*test=*/1);
  write_file_atomically(folder / "train/masks/photo-02.png", media::encode_png(test::make_mask(1, {90, 9})));
  std::vector<std::byte> half = read_file(folder / "train/images/photo-00.jpg");
  half.resize(half.size() / 2);
  write_file_atomically(folder / "train/images/photo-00.jpg", half);
  const Answer answer = check(folder.path());
  EXPECT_THAT(answer.error,
              AllOf(HasSubstr("has 2 sample(s) that training would refuse"), HasSubstr("--max-bad-samples")));
  EXPECT_THAT(answer.output, ContainsRegex("training would refuse:\n  .*photo-00.jpg cannot be decoded as JPEG"));
  EXPECT_THAT(answer.output, ContainsRegex("mask .*photo-02.png is 90x9 pixels, but its image"));
}

TEST(DataCheckCommand, TellsOfBoxes) {
  const test::TempFolder folder;
  for (const char* name : {"a", "b"}) {
    write_file_atomically(folder / (std::string(name) + ".jpg"),
                          media::encode_jpeg(test::make_photograph(1, {64, 48}), 90));
    write_voc(folder / (std::string(name) + ".xml"), 64);
  }
  const Answer answer = check(folder.path());
  EXPECT_EQ(answer.error, "");
  EXPECT_THAT(answer.output, HasSubstr(": boxes, VOC's XML, 1 classes\n"));
  EXPECT_THAT(answer.output, ContainsRegex("all +2 +64x48 +2 +30x38"));
  EXPECT_THAT(answer.output, ContainsRegex("class +all +images\ncat +2 +2\n"));
  EXPECT_THAT(answer.output, HasSubstr("2 boxes that reach over the edge of their image, cut off there: "));
  write_voc(folder / "b.xml", 70);
  const Answer wrong = check(folder.path());
  EXPECT_THAT(wrong.output, HasSubstr("b.jpg is 64x48 pixels, but its annotation is of 70x48; "));
  EXPECT_THAT(wrong.error, HasSubstr("has 1 sample(s) that training would refuse"));
}

TEST(DataCheckCommand, TellsWhichEpisodesThereCanBe) {
  const test::TempFolder folder;
  for (int i = 0; i < 30; ++i) {
    const std::string name = text(i);
    write_file_atomically(folder / (name + ".jpg"), media::encode_jpeg(test::make_photograph(1, {64, 48}), 90));
    write_voc(folder / (name + ".xml"), 64, i < 4 ? "dog" : "cat");
  }
  const std::string output = check(folder.path()).output;
  EXPECT_THAT(output, ContainsRegex("cat +26 +26\ndog +4 +4\n"));
  EXPECT_THAT(output, ContainsRegex("few-shot detection trains on all \\([0-9]+ images\\), evaluates on images of it "
                                    "that are held out \\([0-9]+\\)"));
  EXPECT_THAT(output, ContainsRegex("training +[12]-way +(1-way|-) +- +- +dog, [0-4] images"));
  EXPECT_THAT(output, ContainsRegex("evaluation +(-|[12]-way) .* +- +dog, [0-4] images"));
}

TEST(DataCheckCommand, SaysWhichLayoutsItKnows) {
  const test::TempFolder folder;
  EXPECT_THAT(check(folder.path()).error,
              AllOf(HasSubstr("has no layout that is known"), HasSubstr("GT_Object"), HasSubstr("JPEGImages")));
  EXPECT_THAT(check(folder / "none").error, HasSubstr("no folder "));
  EXPECT_THAT(message_of<UsageError>([] { data_check("lockstep data check", {}); }),
              HasSubstr("--dataset-path is missing"));
}

}  // namespace
}  // namespace lockstep::cli::data_check_test
