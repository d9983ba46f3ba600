#include "lockstep/cli/camouflage.h"

#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/cli/diagnose.h"
#include "lockstep/cli/train_options.h"
#include "lockstep/models/edgenext.h"
#include "lockstep/tasks/camouflage/task.h"

namespace lockstep::cli {
namespace {

std::vector<std::string> backbone_names() {
  std::vector<std::string> names;
  for (const models::EdgeNeXtVariant& variant : models::edgenext_variants()) {
    names.push_back(variant.name);
  }
  return names;
}

/// Null where the machine has no memory for one.
std::unique_ptr<data::PixelStorage> make_empty_cache() {
  try {
    return data::make_pixel_storage({.kind = "ram"});
  } catch (const MachineError& error) {
    log::info(text("--cache ram is not tried: ", error.what()));
    return nullptr;
  }
}

}  // namespace

CamouflageSetup::CamouflageSetup() {
  train.checkpoint_dir = "runs/camouflage";
  train.epochs = 150;
  train.batch_size = 32;
  train.schedule.learning_rate = 4e-4;
}

std::unique_ptr<tasks::Task> CamouflageSetup::make_task(int local_processes) {
  task.cache.processes = local_processes;
  return std::make_unique<tasks::camouflage::CamouflageTask>(task);
}

MeasuredTask CamouflageSetup::make_task_to_measure() {
  std::unique_ptr<data::PixelStorage> pixels;
  if (task.cache.is_on()) {
    log::info("--cache is left out: what is measured decodes each file, and keeps nothing");
    task.cache = {};
  } else {
    pixels = make_empty_cache();
  }
  auto made = std::make_unique<tasks::camouflage::CamouflageTask>(task);
  if (pixels == nullptr) {
    return {std::move(made)};
  }
  auto samples = made->make_training_set(*pixels);
  return {std::move(made), EmptyCache{std::move(pixels), std::move(samples)}};
}

OptionTable CamouflageSetup::table() {
  OptionTable table;
  const std::string data = "Data";
  table.add("--dataset-path", task.dataset_path,
            "The dataset: COD10K as it is published (Train/Image, Train/GT_Object, Test/…), or train/images and "
            "train/masks, test/images and test/masks.",
            {.group = data,
             .placeholder = "DIR",
             .affects_result = false,
             .on_resume = "the same images must be there; their number is checked"});
  table.add("--with-negatives", task.with_negatives, "Use COD10K's images without an object, too.", {.group = data});
  table.add("--img-size", task.image_size, "Side of the square that the network sees, in pixels; a multiple of 32.",
            {.group = data, .minimum = inclusive(32)});
  table.add("--augment", task.augment, "Crop, flip and colour the training images at random.", {.group = data});
  add_cache_options(table, data, task.cache);
  table.add("--multi-scale", task.multi_scale,
            "Factors of --img-size, such as 0.75,1,1.25: each step draws one and scales its images, to multiples of 32 "
            "pixels. Empty: always --img-size.",
            {.group = data, .placeholder = "LIST"});

  const std::string network = "Network";
  table.add("--backbone", task.network.backbone, "The EdgeNeXt that looks at the image.",
            {.group = network, .placeholder = "NAME", .allowed = backbone_names()});
  table.add("--decoder-width", task.network.decoder_width, "Channels of the decoder; a multiple of 8.",
            {.group = network, .minimum = inclusive(8)});
  table.add("--drop-path", task.network.drop_path, "Probability to drop the backbone's last residual branch.",
            {.group = network, .minimum = inclusive(0), .maximum = exclusive(1)});
  table.add("--dropout", task.network.dropout, "Probability to drop a channel before the last layer.",
            {.group = network, .minimum = inclusive(0), .maximum = exclusive(1)});
  table.add("--num-experts", task.network.num_experts,
            "Experts in the decoder, which a gate mixes for each pixel: at least 2, or 0 for none.",
            {.group = network, .minimum = inclusive(0)});
  table.add("--moe-top-k", task.network.moe_top_k,
            "Send each pixel to so many experts, and compute only these; 0: to all of them.",
            {.group = network, .minimum = inclusive(0)});
  table.add("--gradient-checkpointing", task.network.gradient_checkpointing,
            "Compute activations anew in the backward pass instead of keeping them: less memory, more time, the same "
            "gradients.",
            {.group = network, .affects_result = false, .on_resume = "numbers agree up to rounding"});
  table.add("--test-time-flip", task.test_time_flip,
            "In evaluation and prediction, average the answers for an image and its mirror image.", {.group = network});
  table.add_always_on("--use-cod-specialized", "The network for camouflaged objects; always on.", {.group = network});

  const std::string loss = "Loss";
  table.add("--boundary-weight", task.loss.boundary, "Weight of finding the edges of the mask; 0: no such head.",
            {.group = loss, .minimum = inclusive(0)});
  table.add("--deep-supervision", task.deep_supervision, "Losses on answers at 1/8, 1/16 and 1/32 of the resolution.",
            {.group = loss});
  table.add("--side-weight", task.loss.side,
            "Weight of the answer at 1/8 with --deep-supervision; each coarser one counts half of that before.",
            {.group = loss, .minimum = inclusive(0), .needs = "--deep-supervision"});
  table.add("--moe-balance", task.loss.balance,
            "Weight of the loss that spreads pixels over the experts, with --moe-top-k.",
            {.group = loss, .minimum = inclusive(0), .needs = "--moe-top-k"});
  add_train_options(table, train);
  return table;
}

void add_cache_options(OptionTable& table, const std::string& group, data::CacheOptions& cache) {
  table.add(
      "--cache", cache.kind,
      "Keep decoded pixels, so that each file is decoded once: in memory, or on the disk, also for later runs. "
      "Images much larger than --img-size and their masks are then kept at a smaller size, so the pixels are slightly "
      "others than with off; they are the same in memory and on the disk.",
      {.group = group, .placeholder = "WHERE", .allowed = {"off", "ram", "disk"}, .same_result = {"ram", "disk"}});
  table.add("--cache-limit", cache.limit,
            "The most that --cache may take, such as 8GiB, in all processes; what does not fit is decoded each time. "
            "Empty: half of the free memory, or 20GiB of the disk.",
            {.group = group, .placeholder = "SIZE", .affects_result = false});
  table.add("--cache-dir", cache.directory,
            "The folder of --cache disk. Empty: lockstep/pixels in $XDG_CACHE_HOME, or in ~/.cache.",
            {.group = group, .placeholder = "DIR", .affects_result = false});
}

void add_answer_options(OptionTable& table, const std::string& group, std::optional<bool>& test_time_flip,
                        train::TrainOptions& machine) {
  table.add("--test-time-flip", test_time_flip,
            "Average the answers for an image and its mirror image; by default as the run did. --no-test-time-flip: do "
            "not.",
            {.group = group});
  table.add("--batch-size", machine.batch_size, "Images that a GPU (or CPU rank) takes at a time.",
            {.group = group, .minimum = inclusive(1)});
  add_machine_options(table, machine);
}

std::string diagnose_camouflage_flags() { return diagnose_flags(kTrainCamouflage); }

ExitCode diagnose_camouflage(const std::string& command, const std::vector<std::string>& arguments) {
  CamouflageSetup setup;
  return diagnose_task(setup, kTrainCamouflage, command, arguments);
}

}  // namespace lockstep::cli
