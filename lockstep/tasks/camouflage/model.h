#pragma once

#include "lockstep/media/image.h"
#include "lockstep/models/camouflage_network.h"
#include "lockstep/tasks/task.h"

namespace lockstep::tasks::camouflage {

/// The colour that marks the object in overlays.
inline constexpr media::Colour kTint{255, 64, 32};

/// The camouflage network with its loss and its metrics. Batches have the fields of data::ImageMaskDataset.
class CamouflageModel : public Model {
 public:
  /// Initial weights follow from the seed.
  CamouflageModel(const models::CamouflageNetworkOptions& options, std::uint64_t seed);

  torch::nn::Module& network() override { return *network_; }
  std::string backbone_prefix() const override { return "backbone."; }
  at::Tensor losses(const DeviceBatch& batch) override;
  std::vector<Record> score(const DeviceBatch& batch) override;
  std::vector<Example> illustrate(const DeviceBatch& batch) override;

  /// The probability that each pixel belongs to the object: (batch, height, width) float32 on the CPU.
  at::Tensor probabilities(const DeviceBatch& batch);

 private:
  std::shared_ptr<models::CamouflageNetwork> network_;
};

/// A plane of probabilities, (height, width) float32 on the CPU, as grey levels 0 … 255 at another size.
media::Image to_mask(const at::Tensor& probability, media::ImageSize size);

}  // namespace lockstep::tasks::camouflage
