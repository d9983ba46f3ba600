#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <vector>

#include "lockstep/nn/initialise.h"

namespace lockstep::models {

/// The pixels of an image that a place of each level stands for, a side.
inline constexpr std::array<std::int64_t, 3> kPyramidStrides{8, 16, 32};

/// A convolution of 3 × 3, a norm within the sample (group norm, so that neither batch size nor rank count changes what
/// it computes), and a GELU. (batch, from, height, width) becomes (batch, to, height, width).
class ConvNormGelu : public torch::nn::Module, public nn::KaimingInitialised {
 public:
  /// `to` is a multiple of 8.
  ConvNormGelu(std::int64_t from, std::int64_t to);

  at::Tensor forward(const at::Tensor& x);

 private:
  torch::nn::Conv2d conv_;
  torch::nn::GroupNorm norm_;
};

/// Brings the features of a backbone to one width at the strides 8, 16 and 32 and gives the finer ones what the coarser
/// ones know: Lin et al., "Feature pyramid networks for object detection", CVPR 2017.
class FeaturePyramid : public torch::nn::Module, public nn::KaimingInitialised {
 public:
  /// `channels` of the backbone's features at the strides 8, 16 and 32; `width` is a multiple of 8.
  FeaturePyramid(const std::array<std::int64_t, 3>& channels, std::int64_t width);

  /// features: three of (batch, channels, height / stride, width / stride); so is the result, with `width` channels.
  std::vector<at::Tensor> forward(const std::vector<at::Tensor>& features);

 private:
  torch::nn::ModuleList laterals_;
  torch::nn::ModuleList fusions_;
};

}  // namespace lockstep::models
