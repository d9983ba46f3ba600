#pragma once

#include "lockstep/models/residual_unet.h"
#include "lockstep/tasks/surface/options.h"
#include "lockstep/tasks/task.h"

namespace lockstep::tasks::surface {

/// The 3D U-Net with its loss and its metric. Batches have the fields of data::PatchDataset.
class SurfaceModel : public Model {
 public:
  /// As Task::make_model, for patches of that size.
  SurfaceModel(const Options& options, const models::Extent& patch, std::optional<std::uint64_t> seed);

  torch::nn::Module& network() override { return *network_; }
  std::string backbone_prefix() const override { return ""; }
  void set_memory_format(at::MemoryFormat format) override { network_->set_memory_format(format); }

  /// Normalises: afterwards the image is (batch, 1, depth, height, width) float32.
  void prepare(DeviceBatch& batch) override;

  at::Tensor losses(const DeviceBatch& batch) override;

  /// See summarise_counts.
  std::vector<Record> score(const DeviceBatch& batch) override;

  /// The middle slices of the patch along its three axes: image, truth and prediction laid over it.
  std::vector<Example> illustrate(const DeviceBatch& batch) override;

  /// Normalised volumes, (batch, depth, height, width) float32, to the probability that each voxel belongs to the
  /// surface, of the same shape; with `flips` the mean over all eight mirror images.
  at::Tensor probabilities(const at::Tensor& volumes, bool flips);

 private:
  at::Tensor look(const at::Tensor& volumes);

  std::shared_ptr<models::ResidualUnet> network_;
  LossWeights loss_weights_;
};

/// Dice, of voxels that are not to be ignored, from what SurfaceModel::score has counted of patches: that of each
/// volume from all its patches, and their mean ("dice"); with several volumes also that of each ("dice 1000"). `names`:
/// of the volumes of the store.
std::map<std::string, double> summarise_counts(std::span<const Record> records, const std::vector<std::string>& names);

}  // namespace lockstep::tasks::surface
