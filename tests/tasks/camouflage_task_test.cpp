#include <gtest/gtest.h>

#include "lockstep/tasks/camouflage/task.h"
#include "tests/support/photographs.h"
#include "tests/support/temp_folder.h"

namespace lockstep::tasks::camouflage::camouflage_task_test {
namespace {

TEST(CamouflageTask, HasDeepSupervisionWhereItsOptionsSaySo) {
  const test::TempFolder folder;
  test::write_dataset(folder.path(), 2, 1);
  Options options;
  options.dataset_path = folder.path();
  EXPECT_FALSE(CamouflageTask(options).has_deep_supervision());
  options.deep_supervision = true;
  EXPECT_TRUE(CamouflageTask(options).has_deep_supervision());
}

TEST(CamouflageTask, IsCheaperWithSmallerImagesByTheirArea) {
  const test::TempFolder folder;
  test::write_dataset(folder.path(), 2, 1);
  Options options;
  options.dataset_path = folder.path();
  options.image_size = 128;
  const std::vector<Alternative> alternatives = CamouflageTask(options).cheaper_alternatives();
  ASSERT_EQ(alternatives.size(), 2U);
  EXPECT_EQ(alternatives[0].flag, "--img-size 96");
  EXPECT_DOUBLE_EQ(alternatives[0].share_of_work, 0.5625);
  EXPECT_EQ(alternatives[1].flag, "--img-size 64");
  options.image_size = 32;
  EXPECT_TRUE(CamouflageTask(options).cheaper_alternatives().empty());
}

}  // namespace
}  // namespace lockstep::tasks::camouflage::camouflage_task_test
