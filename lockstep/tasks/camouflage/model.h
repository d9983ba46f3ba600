#pragma once

#include "lockstep/media/image.h"
#include "lockstep/models/camouflage_network.h"
#include "lockstep/tasks/camouflage/options.h"
#include "lockstep/tasks/task.h"

namespace lockstep::tasks::camouflage {

/// The colour that marks the object in overlays.
inline constexpr media::Colour kTint{255, 64, 32};

/// The camouflage network with its loss and its metrics. Batches have the fields of data::ImageMaskDataset.
class CamouflageModel : public Model {
 public:
  /// As Task::make_model. Throws UsageError for bad options of the network.
  CamouflageModel(const Options& options, std::optional<std::uint64_t> seed);

  torch::nn::Module& network() override { return *network_; }
  std::string backbone_prefix() const override { return "backbone."; }
  std::vector<std::string> backbone_stages() const override;
  void set_memory_format(at::MemoryFormat format) override { network_->set_memory_format(format); }

  void prepare(DeviceBatch& batch) override;

  /// With several scales to be drawn from, it needs an nn::RandomScope.
  at::Tensor losses(const DeviceBatch& batch) override;

  /// "expert 0", …: pixels that each expert got; where all of them work, their shares of the pixels.
  std::vector<std::pair<std::string, double>> take_statistics() override;
  void remember_statistics() override { remembered_load_ = expert_load_; }
  void restore_statistics() override { expert_load_ = remembered_load_; }

  std::vector<Record> score(const DeviceBatch& batch) override;
  std::vector<Example> illustrate(const DeviceBatch& batch) override;

  /// The probability that each pixel belongs to the object, with `test_time_flip` the mean of what the network says of
  /// the image and of its mirror image: (batch, height, width) float32 on the CPU.
  at::Tensor probabilities(const DeviceBatch& batch);

 private:
  at::Tensor look(const at::Tensor& images);

  std::shared_ptr<models::CamouflageNetwork> network_;
  LossWeights loss_weights_;
  std::vector<double> scales_;
  bool test_time_flip_;
  at::Tensor expert_load_;  ///< (experts) float64, since take_statistics(); undefined where nothing was counted
  at::Tensor remembered_load_;
};

/// A plane of probabilities, (height, width) float32 on the CPU, as grey levels 0 … 255 at another size.
media::Image to_mask(const at::Tensor& probability, media::ImageSize size);

}  // namespace lockstep::tasks::camouflage
