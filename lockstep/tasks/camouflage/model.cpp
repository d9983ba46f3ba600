#include "lockstep/tasks/camouflage/model.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/media/draw.h"
#include "lockstep/media/encode.h"
#include "lockstep/media/resize.h"
#include "lockstep/metrics/saliency.h"
#include "lockstep/nn/finish_images.h"
#include "lockstep/nn/initialise.h"
#include "lockstep/nn/keyed_random.h"
#include "lockstep/nn/resize.h"

namespace lockstep::tasks::camouflage {
namespace {

enum FieldIndex : std::size_t { kImage = 0, kMask = 1, kFinish = 2 };

/// Sample `index` of a field of bytes, (height, width[, channels]).
media::Image to_image(const data::Batch& batch, std::size_t field, std::size_t index) {
  const std::vector<std::int64_t>& shape = batch.layout[field].shape;
  media::Image image(static_cast<int>(shape[1]), static_cast<int>(shape[0]),
                     shape.size() > 2 ? static_cast<int>(shape[2]) : 1);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(batch.fields[field].data());
  std::copy_n(bytes + index * image.pixels.size(), image.pixels.size(), image.pixels.data());
  return image;
}

/// The one of the scales that belongs to this step, for every rank and pass.
double draw_scale(const std::vector<double>& scales, std::int64_t batch) {
  const nn::RandomScope& scope = nn::RandomScope::current(static_cast<std::size_t>(batch));
  return scales[scope.stream_of_step(Purpose::kScale).below(scales.size())];
}

}  // namespace

CamouflageModel::CamouflageModel(const Options& options, std::optional<std::uint64_t> seed)
    : network_(std::make_shared<models::CamouflageNetwork>(options.network_options())),
      loss_weights_(options.loss),
      scales_(options.scales()),
      test_time_flip_(options.test_time_flip) {
  if (seed) {
    nn::initialise(*network_, *seed);
  }
}

std::vector<std::string> CamouflageModel::backbone_stages() const {
  return {"backbone.stages.3.", "backbone.stages.2.", "backbone.stages.1.", "backbone.stages.0.", "backbone.stem."};
}

void CamouflageModel::prepare(DeviceBatch& batch) {
  batch.fields[kImage] = nn::finish_images(batch.fields[kImage], batch.fields[kFinish]);
}

at::Tensor CamouflageModel::losses(const DeviceBatch& batch) {
  at::Tensor images = batch.fields[kImage];
  at::Tensor mask = batch.fields[kMask].to(at::kFloat).div_(255).unsqueeze(1);  // (batch, 1, height, width)
  if (!scales_.empty()) {
    const double factor = draw_scale(scales_, images.size(0));
    const std::int64_t height = scaled_side(images.size(2), factor);
    const std::int64_t width = scaled_side(images.size(3), factor);
    images = nn::resize_bilinear(images, height, width);
    mask = nn::resize_bilinear(mask, height, width);
  }
  const models::SegmentationOutputs outputs = network_->forward(images);
  if (outputs.expert_load.defined()) {
    const at::Tensor load = outputs.expert_load.to(at::kDouble).sum(0);  // (experts)
    expert_load_ = expert_load_.defined() ? expert_load_ + load : load;
  }
  return weighted_loss(outputs, mask, loss_weights_);
}

std::vector<std::pair<std::string, double>> CamouflageModel::take_statistics() {
  std::vector<std::pair<std::string, double>> statistics;
  if (expert_load_.defined()) {
    const at::Tensor load = std::exchange(expert_load_, at::Tensor()).cpu();
    for (std::int64_t expert = 0; expert < load.size(0); ++expert) {
      statistics.emplace_back(text("expert ", expert), load[expert].item<double>());
    }
  }
  return statistics;
}

/// (batch, 3, height, width) normalised to probabilities, (batch, height, width) float32.
at::Tensor CamouflageModel::look(const at::Tensor& images) {
  return network_->forward(images).logits.squeeze(1).to(at::kFloat).sigmoid();
}

at::Tensor CamouflageModel::probabilities(const DeviceBatch& batch) {
  constexpr std::int64_t kWidth = -1;
  const at::Tensor& images = batch.fields[kImage];
  at::Tensor probabilities = look(images);
  if (test_time_flip_) {
    probabilities = (probabilities + look(images.flip(kWidth)).flip(kWidth)) / 2;
  }
  return probabilities.cpu().contiguous();
}

std::vector<Record> CamouflageModel::score(const DeviceBatch& batch) {
  const at::Tensor predicted = probabilities(batch);
  std::vector<Record> records;
  for (std::size_t i = 0; i < batch.host.size(); ++i) {
    // The mask at its original size, as it was published.
    const data::RaggedArray& truth = batch.host.ragged[i].at(0);
    const media::ImageSize size{static_cast<int>(truth.shape[1]), static_cast<int>(truth.shape[0])};
    const media::Image mask = to_mask(predicted[static_cast<std::int64_t>(i)], size);
    const std::span truth_levels(reinterpret_cast<const std::uint8_t*>(truth.bytes.data()), truth.bytes.size());
    records.push_back(metrics::saliency_record(mask.pixels, truth_levels, size.width, size.height));
  }
  return records;
}

std::vector<Example> CamouflageModel::illustrate(const DeviceBatch& batch) {
  constexpr int kCellSize = 192;
  const std::vector<std::string> titles{"image", "truth", "prediction", "overlay"};
  const at::Tensor predicted = probabilities(batch);
  std::vector<Example> examples;
  for (std::size_t i = 0; i < batch.host.size(); ++i) {
    const media::Image photo = to_image(batch.host, kImage, i);
    const media::Image mask = to_mask(predicted[static_cast<std::int64_t>(i)], photo.size());
    const media::SheetRow row{"", {photo, to_image(batch.host, kMask, i), mask, media::overlay(photo, mask, kTint)}};
    examples.push_back({"", media::encode_png(media::contact_sheet({&row, 1}, titles, kCellSize))});
  }
  return examples;
}

media::Image to_mask(const at::Tensor& probability, media::ImageSize size) {
  LOCKSTEP_ASSERT(probability.is_contiguous() && probability.dim() == 2, "a contiguous plane is needed");
  const std::span plane(probability.const_data_ptr<float>(), static_cast<std::size_t>(probability.numel()));
  const std::vector<float> scaled = media::resize_bilinear(
      plane, static_cast<int>(probability.size(1)), static_cast<int>(probability.size(0)), size.width, size.height);
  media::Image mask(size.width, size.height, 1);
  for (std::size_t i = 0; i < scaled.size(); ++i) {
    mask.pixels[i] = static_cast<std::uint8_t>(std::lround(scaled[i] * 255));
  }
  return mask;
}

}  // namespace lockstep::tasks::camouflage
