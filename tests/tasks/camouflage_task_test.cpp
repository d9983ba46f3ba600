#include <gtest/gtest.h>

#include "lockstep/data/batch.h"
#include "lockstep/data/ram_cache.h"
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

TEST(CamouflageTask, GivesItsTrainingSetWithACacheOfItsOwn) {
  const test::TempFolder folder;
  test::write_dataset(folder.path(), 2, 1);
  Options options;
  options.dataset_path = folder.path();
  const CamouflageTask task(options);
  data::RamStorage pixels(16 << 20, [] { return std::uint64_t{1} << 40; });
  const auto samples = task.make_training_set(pixels);
  ASSERT_EQ(samples->size(), task.training_set().size());
  EXPECT_EQ(pixels.used(), 0U);
  const data::Batch cached = data::load_batch(*samples, {{1, 0, 0, 1}});
  EXPECT_GT(pixels.used(), 0U);
  const std::uint64_t used = pixels.used();
  data::load_batch(task.training_set(), {{1, 0, 0, 0}});
  EXPECT_EQ(pixels.used(), used);
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
