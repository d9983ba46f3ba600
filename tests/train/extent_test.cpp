#include "lockstep/train/extent.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <utility>

#include "lockstep/base/text.h"
#include "lockstep/data/epoch_order.h"
#include "lockstep/data/label_index.h"
#include "lockstep/data/patch_dataset.h"
#include "lockstep/tasks/surface/task.h"
#include "lockstep/train/device_batch.h"
#include "tests/support/membranes.h"
#include "tests/support/tiny_tasks.h"
#include "tests/train/runs.h"

namespace lockstep::train::extent_test {
namespace {

constexpr media::VolumeShape kVolume{8, 12, 28};

/// Patches of volumes whose first rows are not decided, so that some have twice as much to learn from as others.
class Extents : public testing::Test {
 protected:
  Extents() {
    test::write_membranes(dataset_.path(), kVolume, 2, 1, true);
    tasks::surface::Options options;
    options.dataset_path = dataset_.path();
    options.patch_size = "8,4,12";
    options.width = 4;
    options.encoder_blocks = "1";
    options.samples_per_epoch = 14;
    task_ = std::make_unique<tasks::surface::SurfaceTask>(options, 1);
  }

  static TrainOptions short_run(const TempFolder& folder, int ranks, std::int64_t batch_size) {
    TrainOptions options = options_in(folder, ranks);
    options.batch_size = batch_size;
    options.epochs = 1;
    return options;
  }

  TempFolder dataset_;
  std::unique_ptr<tasks::surface::SurfaceTask> task_;
};

std::vector<data::Draw> draws_of_epoch(const tasks::Task& task) {
  std::vector<data::Draw> draws;
  for (std::uint64_t i = 0; i < task.training_set().size(); ++i) {
    draws.push_back({7, 0, i, i});
  }
  return draws;
}

TEST_F(Extents, AreTheVoxelsThatLossesGoOver) {
  const std::vector<data::Draw> draws = draws_of_epoch(*task_);
  const data::Batch batch = data::load_batch(task_->training_set(), draws);
  double sum = 0;
  double least = 1e9;
  double most = 0;
  for (const data::Draw& draw : draws) {
    const double extent = task_->extent()(draw);
    least = std::min(least, extent);
    most = std::max(most, extent);
  }
  for (const std::byte label : batch.fields[data::kLabelField]) {
    sum += static_cast<std::uint8_t>(label) == data::kIgnore ? 0 : 1;
  }
  EXPECT_EQ(mean_extent(*task_, draws), sum / static_cast<double>(draws.size()));
  EXPECT_LT(least, 0.8 * most) << "the test shows nothing where all patches are alike";
  EXPECT_EQ(mean_extent(*test::make_patch_task(), draws), 1) << "a task without extents";
}

// Each rank and each pass has its own share of patches, some with much to ignore: were a mean taken of each, the
// gradients would differ.
TEST_F(Extents, OfTheGlobalBatchMakeRanksAndPassesDifferByRoundingOnly) {
  const TempFolder reference;
  train(*task_, short_run(reference, 1, 6));
  ASSERT_EQ(history(reference).steps.size(), 3U);
  for (const auto& [ranks, batch_size] :
       {std::pair(1, 1), std::pair(1, 4), std::pair(2, 3), std::pair(2, 1), std::pair(3, 2), std::pair(4, 1)}) {
    SCOPED_TRACE(text(ranks, " ranks with passes of ", batch_size));
    const TempFolder folder;
    train(*task_, short_run(folder, ranks, batch_size));
    expect_same_history(reference, folder, kRounding);
  }
}

// The first step's loss is that of the definition, over all voxels of its six patches.
TEST_F(Extents, DivideByTheVoxelsOfTheWholeBatch) {
  const TempFolder folder;
  TrainOptions options = short_run(folder, 2, 1);
  options.max_steps = 1;
  train(*task_, options);
  const double logged = history(folder).steps.at(0).loss;

  const data::EpochOrder order = data::shuffled_order(options.seed, 0, task_->training_set().size());
  std::vector<data::Draw> draws;
  for (std::uint64_t position = 0; position < 6; ++position) {
    draws.push_back({options.seed, 0, position, order[position]});
  }
  data::Batch batch = data::load_batch(task_->training_set(), draws);
  tasks::DeviceBatch on_device = to_device(batch, at::kCPU);
  on_device.mean_extent = mean_extent(*task_, draws);
  const auto model = task_->make_model(options.seed);
  model->network().train();
  model->prepare(on_device);
  EXPECT_NEAR(model->losses(on_device).mean().item<double>(), logged, 1e-5);
}

}  // namespace
}  // namespace lockstep::train::extent_test
