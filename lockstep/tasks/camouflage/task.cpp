#include "lockstep/tasks/camouflage/task.h"

#include <algorithm>

#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/metrics/saliency.h"
#include "lockstep/tasks/camouflage/folders.h"
#include "lockstep/tasks/camouflage/model.h"

namespace lockstep::tasks::camouflage {
namespace {

data::ImageMaskOptions dataset_options(const Options& options, bool training) {
  data::ImageMaskOptions dataset;
  dataset.image_size = static_cast<int>(options.image_size);
  dataset.augment = training && options.augment;
  dataset.keep_original_mask = !training;
  return dataset;
}

}  // namespace

CamouflageTask::CamouflageTask(const Options& options) : options_(options) {
  options_.validate();
  Folders folders = find_folders(options_.dataset_path, options_.with_negatives, options_.hold_out);
  log::info(text(options_.dataset_path.string(), ": ", folders.layout, ", ", folders.train.size(),
                 " images to train on, ", folders.test.size(), " to evaluate on"));
  if (!folders.masks_without_image.empty()) {
    log::warn(text(folders.masks_without_image.size(), " masks have no image and are left out, the first one is ",
                   folders.masks_without_image.front().string()));
  }
  pixels_ = data::make_pixel_storage(options_.cache);
  training_set_ = std::make_unique<data::ImageMaskDataset>(std::move(folders.train), dataset_options(options_, true),
                                                           pixels_.get());
  evaluation_set_ = std::make_unique<data::ImageMaskDataset>(std::move(folders.test), dataset_options(options_, false),
                                                             pixels_.get());
}

std::unique_ptr<data::Dataset> CamouflageTask::make_training_set(data::PixelStorage& pixels) const {
  return std::make_unique<data::ImageMaskDataset>(training_set_->pairs(), dataset_options(options_, true), &pixels);
}

/// Smaller images, down to half the side: the work goes with the area.
std::vector<Alternative> CamouflageTask::cheaper_alternatives() const {
  constexpr std::int64_t kStep = 32;
  std::vector<Alternative> alternatives;
  const std::int64_t smallest = std::max(kStep, options_.image_size / 2);
  for (std::int64_t side = options_.image_size - kStep; side >= smallest; side -= kStep) {
    const double ratio = static_cast<double>(side) / static_cast<double>(options_.image_size);
    alternatives.push_back({text("--img-size ", side), ratio * ratio});
  }
  return alternatives;
}

std::unique_ptr<Model> CamouflageTask::make_model(std::optional<std::uint64_t> seed) const {
  return std::make_unique<CamouflageModel>(options_, seed);
}

std::map<std::string, double> CamouflageTask::summarise(std::span<const Record> records) const {
  return metrics::summarise_saliency(records);
}

}  // namespace lockstep::tasks::camouflage
