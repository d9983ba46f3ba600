#include "lockstep/models/residual_unet_blocks.h"

namespace lockstep::models {
namespace {

constexpr double kSlope = 0.01;  // of the leaky ReLU
constexpr double kNoActivation = 1;

torch::ExpandingArray<3> expanded(const Extent& extent) { return {{extent[0], extent[1], extent[2]}}; }

/// Without a bias, for a norm follows.
torch::nn::Conv3d convolution(std::int64_t from, std::int64_t to, const Extent& kernel, const Extent& stride) {
  const Extent padding{kernel[0] / 2, kernel[1] / 2, kernel[2] / 2};
  return torch::nn::Conv3d(torch::nn::Conv3dOptions(from, to, expanded(kernel))
                               .stride(expanded(stride))
                               .padding(expanded(padding))
                               .bias(false));
}

}  // namespace

UnetStem::UnetStem(std::int64_t channels, const Extent& kernel)
    : conv_(register_module("conv", convolution(1, channels, kernel, {1, 1, 1}))),
      norm_(register_module("norm", std::make_shared<nn::InstanceNorm3d>(channels))) {}

at::Tensor UnetStem::forward(const at::Tensor& x) { return norm_->forward(conv_->forward(x), kSlope); }

ResidualUnetBlock::ResidualUnetBlock(std::int64_t from, std::int64_t to, const Extent& kernel, const Extent& stride)
    : conv1_(register_module("conv1", convolution(from, to, kernel, stride))),
      norm1_(register_module("norm1", std::make_shared<nn::InstanceNorm3d>(to))),
      conv2_(register_module("conv2", convolution(to, to, kernel, {1, 1, 1}))),
      norm2_(register_module("norm2", std::make_shared<nn::InstanceNorm3d>(to))),
      projection_(nullptr) {
  if (from != to || stride != Extent{1, 1, 1}) {
    projection_ = register_module("projection", convolution(from, to, {1, 1, 1}, stride));
    projection_norm_ = register_module("projection_norm", std::make_shared<nn::InstanceNorm3d>(to));
  }
}

at::Tensor ResidualUnetBlock::forward(const at::Tensor& x) {
  const at::Tensor shortcut = projection_ ? projection_norm_->forward(projection_->forward(x), kNoActivation) : x;
  const at::Tensor inner = norm1_->forward(conv1_->forward(x), kSlope);
  return norm2_->forward(conv2_->forward(inner), kSlope, shortcut);
}

UnetUpBlock::UnetUpBlock(const UnetStage& finer, const UnetStage& coarser)
    : up_(register_module(
          "up", torch::nn::ConvTranspose3d(
                    torch::nn::ConvTranspose3dOptions(coarser.channels, finer.channels, expanded(coarser.stride))
                        .stride(expanded(coarser.stride))))),
      conv_(register_module("conv", convolution(2 * finer.channels, finer.channels, finer.kernel, {1, 1, 1}))),
      norm_(register_module("norm", std::make_shared<nn::InstanceNorm3d>(finer.channels))) {}

at::Tensor UnetUpBlock::forward(const at::Tensor& coarser, const at::Tensor& skipped) {
  at::Tensor x = up_->forward(coarser);
  for (std::int64_t axis = 2; axis < x.dim(); ++axis) {
    if (x.size(axis) != skipped.size(axis)) {  // the gradient of a part is a copy in a whole of zeros
      x = x.narrow(axis, 0, skipped.size(axis));
    }
  }
  return norm_->forward(conv_->forward(at::cat({x, skipped.to(x.scalar_type())}, 1)), kSlope);
}

}  // namespace lockstep::models
