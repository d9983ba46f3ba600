#include "lockstep/cli/surface.h"

#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/cli/diagnose.h"
#include "lockstep/cli/train_options.h"
#include "lockstep/data/byte_count.h"
#include "lockstep/parallel/devices.h"
#include "lockstep/tasks/surface/task.h"

namespace lockstep::cli {
namespace {

/// The memory that a batch of patches takes is known before it is tried.
void foretell(const SurfaceSetup& setup, const models::Extent& patch) {
  const std::vector<models::UnetStage> stages = models::plan_unet(setup.task.network(patch).plan);
  const std::int64_t values = models::values_kept_for_backward(stages, setup.task.gradient_checkpointing);
  const auto bytes = static_cast<std::uint64_t>(values * setup.train.batch_size) * sizeof(float);
  log::info(text("patches of ", models::to_text(patch), " voxels, ", stages.size(), " scales down to ",
                 models::to_text(stages.back().size), "; a batch of ", setup.train.batch_size, " keeps about ",
                 data::format_byte_count(bytes), " for backward in fp32, half of it in fp16 and bf16"));
}

void add_volume_options(OptionTable& table, tasks::surface::Options& task) {
  const std::string data = "Data";
  table.add(
      "--dataset-path", task.dataset_path,
      "The folder of the volumes: train_images/ID.tif with train_labels/ID.tif, and test_images, test_labels where "
      "there are some.",
      {.group = data,
       .placeholder = "DIR",
       .affects_result = false,
       .on_resume = "the same volumes must be there; the number of patches is checked"});
  table.add(
      "--patch-size", task.patch_size,
      "Depth, height and width in voxels of what the network sees at a time; cut to the volumes where all of them "
      "are smaller.",
      {.group = data, .placeholder = "D,H,W"});
  table.add("--samples-per-epoch", task.samples_per_epoch, "Patches an epoch; by default 16 a volume.",
            {.group = data, .minimum = inclusive(1), .maximum = inclusive(1e9)});
  table.add("--foreground-share", task.foreground_share, "Of the patches, that have the surface in their middle.",
            {.group = data, .minimum = inclusive(0), .maximum = inclusive(1)});
  table.add("--augment", task.augment, "Turn patches, and change their intensities at random.", {.group = data});
  table.add("--elastic-scale", task.elastic_scale,
            "The most by which patches are stretched or shrunk, a fifth of them, each axis for itself: by a factor "
            "from 1 / (1 + this) to 1 + this, such as 0.3. 0: none.",
            {.group = data, .minimum = inclusive(0), .maximum = inclusive(1)});
  table.add("--symmetries", task.symmetries,
            "How patches are turned. auto: in all ways, and in-plane only where they are thin.",
            {.group = data, .placeholder = "NAME", .allowed = {"auto", "all", "in-plane", "flips", "none"}});
  table.add("--held-out", task.held_out,
            "Training volumes to evaluate on instead, by their ids, with commas between. Empty: the test volumes, if "
            "they have labels.",
            {.group = data, .placeholder = "IDS"});
  table.add("--held-out-share", task.held_out_share,
            "Of the training volumes, to evaluate on where test volumes have no labels; at least one.",
            {.group = data, .minimum = exclusive(0), .maximum = exclusive(1)});
  table.add("--volume-memory", task.volume_memory,
            "The most that decoded volumes may take on this machine, such as 8GiB; what does not fit is decoded when "
            "it is wanted. With --ranks process each process has its share of it. Empty: half of the free memory.",
            {.group = data, .placeholder = "SIZE", .affects_result = false});
}

void add_network_options(OptionTable& table, tasks::surface::Options& task) {
  const std::string network = "Network";
  table.add("--width", task.width, "Channels of the finest scale; each coarser one has twice as many, up to 320.",
            {.group = network, .minimum = inclusive(1), .maximum = inclusive(320)});
  table.add("--encoder-blocks", task.encoder_blocks,
            "Residual blocks a scale, the finest first; the last number holds for the scales behind it.",
            {.group = network, .placeholder = "LIST"});
  table.add("--gradient-checkpointing", task.gradient_checkpointing,
            "Compute activations anew in the backward pass instead of keeping them: less memory, more time, the same "
            "gradients up to rounding.",
            {.group = network, .affects_result = false, .on_resume = "numbers agree up to rounding"});
  const std::string loss = "Loss";
  table.add("--dice-weight", task.loss.dice, "Weight of the soft Dice loss of each patch.",
            {.group = loss, .minimum = inclusive(0)});
  table.add("--cross-entropy-weight", task.loss.cross_entropy,
            "Weight of the cross-entropy, a mean over the voxels of the global batch.",
            {.group = loss, .minimum = inclusive(0)});
  table.add("--deep-supervision", task.deep_supervision,
            "Losses on answers at the coarser scales, each with half the weight of that before.", {.group = loss});
}

}  // namespace

/// 30 epochs end a fall of the rate, behind two epochs of warm-up.
SurfaceSetup::SurfaceSetup() {
  train.checkpoint_dir = "runs/surface";
  train.epochs = 32;
  train.batch_size = 16;
  train.accumulation_steps = 2;
  train.prefetch_factor = 3;
  train.checkpoint_minutes = 60;
  train.schedule.scheduler = "restarts";
  train.schedule.learning_rate = 2e-3;
  train.schedule.warmup_epochs = 2;
}

OptionTable SurfaceSetup::table() {
  OptionTable table;
  add_volume_options(table, task);
  add_network_options(table, task);
  const std::string prediction = "Prediction";
  table.add("--overlap", task.overlap, "Of neighbouring windows in prediction, as a share of their sides.",
            {.group = prediction, .minimum = inclusive(0), .maximum = exclusive(1), .affects_result = false});
  table.add("--test-time-flip", task.test_time_flip,
            "In prediction, average the answers for a window and its seven mirror images.",
            {.group = prediction, .affects_result = false});
  table.add("--tuning-volumes", tuning_volumes,
            "Evaluation volumes, at most, that are predicted after training to find the best threshold; 0: none.",
            {.group = prediction, .minimum = inclusive(0), .maximum = inclusive(1e6), .affects_result = false});
  add_train_options(table, train);
  return table;
}

std::unique_ptr<tasks::Task> SurfaceSetup::make_task(int local_processes) {
  const int processes = std::max(1, local_processes);
  auto made = std::make_unique<tasks::surface::SurfaceTask>(task, std::max(1, parallel::available_cores() / processes),
                                                            processes);
  const models::Extent& patch = made->patch();
  foretell(*this, patch);
  task.patch_size = text(patch[0], ",", patch[1], ",", patch[2]);
  return made;
}

std::string diagnose_surface_flags() { return diagnose_flags(kTrainSurface); }

ExitCode diagnose_surface(const std::string& command, const std::vector<std::string>& arguments) {
  SurfaceSetup setup;
  return diagnose_task(setup, kTrainSurface, command, arguments);
}

}  // namespace lockstep::cli
