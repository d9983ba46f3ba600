#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "lockstep/nn/keyed_random.h"

/// The parts of EdgeNeXt: Maaz et al., "EdgeNeXt: Efficiently amalgamated CNN-transformer architecture for mobile
/// vision applications", ECCVW 2022 (arXiv 2206.10589). Parameters are named as in timm. Blocks keep the memory format
/// of their input. Where channels come last, a permuted view is what layer norm and linear layers read, without a copy.
namespace lockstep::models {

/// Layer norm over the channels of images.
class LayerNorm2d : public torch::nn::Module {
 public:
  explicit LayerNorm2d(std::int64_t channels);

  /// (batch, channels, height, width), any memory format in; what comes out has that of `set_memory_format`.
  at::Tensor forward(const at::Tensor& images);

  /// Channels last by default.
  void set_memory_format(at::MemoryFormat format) { memory_format_ = format; }

 private:
  at::MemoryFormat memory_format_ = at::MemoryFormat::ChannelsLast;
  at::Tensor weight_;
  at::Tensor bias_;
};

/// Two linear layers with a GELU between them, over the last dimension.
class Mlp : public torch::nn::Module {
 public:
  explicit Mlp(std::int64_t channels);

  at::Tensor forward(const at::Tensor& x);

 private:
  torch::nn::Linear fc1_;
  torch::nn::Linear fc2_;
};

/// Sines and cosines of a pixel's relative place, projected to the channels of the features.
class PositionalEncoding : public torch::nn::Module {
 public:
  explicit PositionalEncoding(std::int64_t channels);

  /// (height * width, channels), the same for every sample.
  at::Tensor forward(std::int64_t height, std::int64_t width);

 private:
  torch::nn::Conv2d token_projection_;
};

/// Attention between channels instead of pixels, linear in the number of pixels: El-Nouby et al., "XCiT:
/// Cross-covariance image transformers", NeurIPS 2021.
class CrossCovarianceAttention : public torch::nn::Module {
 public:
  CrossCovarianceAttention(std::int64_t channels, std::int64_t heads);

  /// tokens: (batch, pixels, channels), and so is the result.
  at::Tensor forward(const at::Tensor& tokens);

 private:
  std::int64_t heads_;
  at::Tensor temperature_;
  torch::nn::Linear qkv_;
  torch::nn::Linear proj_;
};

/// Depthwise convolution, then an inverted bottleneck, beside a shortcut.
class ConvBlock : public torch::nn::Module {
 public:
  ConvBlock(std::int64_t channels, std::int64_t kernel_size, double drop_path, nn::LayerCounter& layers);

  /// (batch, channels, height, width), and so is the result.
  at::Tensor forward(const at::Tensor& features);

 private:
  torch::nn::Conv2d conv_dw_;
  torch::nn::LayerNorm norm_;
  std::shared_ptr<Mlp> mlp_;
  at::Tensor gamma_;
  std::shared_ptr<nn::DropPath> drop_path_;
};

/// Split depthwise transpose attention: depthwise convolutions in a cascade over groups of channels, cross-covariance
/// attention, and an inverted bottleneck.
class SplitTransposeBlock : public torch::nn::Module {
 public:
  struct Options {
    std::int64_t channels = 0;
    std::int64_t scales = 2;  ///< groups of channels, at least 2
    std::int64_t heads = 8;
    bool positional_encoding = false;
    double drop_path = 0.0;
  };

  SplitTransposeBlock(const Options& options, nn::LayerCounter& layers);

  /// (batch, channels, height, width), and so is the result.
  at::Tensor forward(const at::Tensor& features);

 private:
  at::Tensor convolve_in_cascade(const at::Tensor& features);

  torch::nn::ModuleList convs_;
  std::shared_ptr<PositionalEncoding> pos_embd_;  ///< null without positional encoding
  torch::nn::LayerNorm norm_xca_;
  at::Tensor gamma_xca_;
  std::shared_ptr<CrossCovarianceAttention> xca_;
  std::shared_ptr<nn::DropPath> drop_attention_;
  torch::nn::LayerNorm norm_;
  std::shared_ptr<Mlp> mlp_;
  at::Tensor gamma_;
  std::shared_ptr<nn::DropPath> drop_path_;
};

}  // namespace lockstep::models
