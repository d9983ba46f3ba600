#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>

#include "lockstep/models/unet_plan.h"
#include "lockstep/nn/instance_norm.h"

namespace lockstep::models {

/// A piece of the encoder: features of one scale in, features of the same or the next coarser one out.
class UnetBlock : public torch::nn::Module {
 public:
  virtual at::Tensor forward(const at::Tensor& x) = 0;
};

/// Convolution ("conv"), norm ("norm"), leaky ReLU.
class UnetStem : public UnetBlock {
 public:
  UnetStem(std::int64_t channels, const Extent& kernel);
  at::Tensor forward(const at::Tensor& x) override;

 private:
  torch::nn::Conv3d conv_;
  std::shared_ptr<nn::InstanceNorm3d> norm_;
};

/// Two convolutions with norms beside a shortcut: He et al., "Deep residual learning", CVPR 2016. Where the scale or
/// the channels change, the shortcut is a convolution of one voxel ("projection") with a norm.
class ResidualUnetBlock : public UnetBlock {
 public:
  ResidualUnetBlock(std::int64_t from, std::int64_t to, const Extent& kernel, const Extent& stride);
  at::Tensor forward(const at::Tensor& x) override;

 private:
  torch::nn::Conv3d conv1_;
  std::shared_ptr<nn::InstanceNorm3d> norm1_;
  torch::nn::Conv3d conv2_;
  std::shared_ptr<nn::InstanceNorm3d> norm2_;
  torch::nn::Conv3d projection_;  ///< null where the shortcut is the input itself
  std::shared_ptr<nn::InstanceNorm3d> projection_norm_;
};

/// A step of the decoder: brings coarser features to the next finer scale ("up"), puts them beside the encoder's there,
/// and mixes both ("conv", "norm", leaky ReLU).
class UnetUpBlock : public torch::nn::Module {
 public:
  /// `finer`: the scale that it leads to; `coarser`: that from which.
  UnetUpBlock(const UnetStage& finer, const UnetStage& coarser);

  /// What is too much since an odd size was halved is cut off.
  at::Tensor forward(const at::Tensor& coarser, const at::Tensor& skipped);

 private:
  torch::nn::ConvTranspose3d up_;
  torch::nn::Conv3d conv_;
  std::shared_ptr<nn::InstanceNorm3d> norm_;
};

}  // namespace lockstep::models
