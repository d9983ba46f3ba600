#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "lockstep/models/unet_plan.h"
#include "lockstep/nn/initialise.h"

namespace lockstep::models {

struct ResidualUnetOptions {
  UnetPlanOptions plan;
  bool side_outputs = true;             ///< answers in training at the coarser scales, too
  bool gradient_checkpointing = false;  ///< computes activations anew in backward instead of keeping them
};

/// What a network says of each voxel, in logits.
struct VolumeOutputs {
  at::Tensor logits;              ///< (batch, 1, depth, height, width), above 0 where the surface is
  std::vector<at::Tensor> sides;  ///< answers of the coarser scales, from fine to coarse, each of its scale's size
};

/// A U-Net with a residual encoder for volumes of one channel, much as nnU-Net's (Isensee et al., "nnU-Net revisited",
/// MICCAI 2024): instance norm, leaky ReLU, a convolution a scale on the way up. Convolutions before a norm have no
/// bias, which the norm would take out again. Its scales follow from the patch that it is trained on (plan_unet); it
/// takes volumes of any size, odd ones too, since what is halved is rounded up and cut off again on the way back.
class ResidualUnet : public torch::nn::Module, public nn::KaimingInitialised {
 public:
  /// Throws UsageError as `UnetPlanOptions::validate`.
  explicit ResidualUnet(const ResidualUnetOptions& options);

  /// volumes: (batch, 1, depth, height, width) float, normalised. Sides are for training: none in evaluation mode.
  VolumeOutputs forward(const at::Tensor& volumes);

  /// How volumes lie in memory inside the network on the CPU: channels last (in the sense of 3D) or contiguous. On
  /// GPUs they are contiguous.
  void set_memory_format(at::MemoryFormat format);

 private:
  at::Tensor encode(std::size_t scale, const at::Tensor& finer);
  at::Tensor decode(std::size_t scale, const at::Tensor& coarser, const at::Tensor& skipped);

  bool gradient_checkpointing_;
  bool channels_last_ = true;
  torch::nn::ModuleList encoder_;  ///< one a scale, each a list of blocks
  torch::nn::ModuleList decoder_;  ///< one a scale but the coarsest, the finest first
  torch::nn::Conv3d head_;
  torch::nn::ModuleList side_heads_;  ///< one a scale between the finest and the coarsest; null without side outputs
};

}  // namespace lockstep::models
