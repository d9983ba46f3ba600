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

}  // namespace
}  // namespace lockstep::tasks::camouflage::camouflage_task_test
