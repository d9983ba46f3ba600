#include "lockstep/models/edgenext_blocks.h"

#include <cmath>
#include <numbers>

namespace lockstep::models {
namespace {

constexpr double kNormEpsilon = 1e-6;
constexpr double kFirstLayerScale = 1e-6;
constexpr std::int64_t kExpansion = 4;
constexpr std::int64_t kFrequencies = 32;  // of the positional encoding, for each axis

torch::nn::LayerNorm layer_norm(std::int64_t channels) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels}).eps(kNormEpsilon));
}

torch::nn::Conv2d depthwise(std::int64_t channels, std::int64_t kernel_size) {
  return torch::nn::Conv2d(
      torch::nn::Conv2dOptions(channels, channels, kernel_size).padding(kernel_size / 2).groups(channels));
}

at::Tensor to_channels_last_view(const at::Tensor& images) { return images.permute({0, 2, 3, 1}); }

at::Tensor to_channels_first_view(const at::Tensor& pixels) { return pixels.permute({0, 3, 1, 2}); }

/// The waves of `length` places along one axis. // (length, kFrequencies)
at::Tensor waves(std::int64_t length, const at::Device& device) {
  const auto options = at::TensorOptions(at::kFloat).device(device);
  constexpr double kEpsilon = 1e-6;
  constexpr double kLongestPeriod = 10000.0;
  const at::Tensor place =
      at::arange(1, length + 1, options) * (2.0 * std::numbers::pi / (static_cast<double>(length) + kEpsilon));
  const at::Tensor exponent = at::arange(kFrequencies / 2, options) * (2.0 / static_cast<double>(kFrequencies));
  const at::Tensor angle = place.unsqueeze(1) / at::pow(kLongestPeriod, exponent);  // (length, kFrequencies / 2)
  return at::stack({angle.sin(), angle.cos()}, 2).flatten(1);
}

}  // namespace

LayerNorm2d::LayerNorm2d(std::int64_t channels)
    : weight_(register_parameter("weight", at::ones({channels}))),
      bias_(register_parameter("bias", at::zeros({channels}))) {}

at::Tensor LayerNorm2d::forward(const at::Tensor& images) {
  const at::Tensor pixels = to_channels_last_view(images);
  const at::Tensor normalised = at::layer_norm(pixels, weight_.sizes(), weight_, bias_, kNormEpsilon);
  return to_channels_first_view(normalised).contiguous(memory_format_);
}

Mlp::Mlp(std::int64_t channels)
    : fc1_(register_module("fc1", torch::nn::Linear(channels, kExpansion * channels))),
      fc2_(register_module("fc2", torch::nn::Linear(kExpansion * channels, channels))) {}

at::Tensor Mlp::forward(const at::Tensor& x) { return fc2_->forward(at::gelu(fc1_->forward(x))); }

PositionalEncoding::PositionalEncoding(std::int64_t channels)
    : token_projection_(register_module("token_projection",
                                        torch::nn::Conv2d(torch::nn::Conv2dOptions(2 * kFrequencies, channels, 1)))) {}

at::Tensor PositionalEncoding::forward(std::int64_t height, std::int64_t width) {
  const at::Tensor& weight = token_projection_->weight;
  const at::Tensor rows = waves(height, weight.device()).unsqueeze(1).expand({height, width, kFrequencies});
  const at::Tensor columns = waves(width, weight.device()).unsqueeze(0).expand({height, width, kFrequencies});
  const at::Tensor places = at::cat({rows, columns}, 2).view({height * width, 2 * kFrequencies});
  // A 1 × 1 convolution is a linear layer over pixels, and this order of the result is the one that is wanted.
  return at::linear(places.to(weight.dtype()), weight.flatten(1), token_projection_->bias);
}

CrossCovarianceAttention::CrossCovarianceAttention(std::int64_t channels, std::int64_t heads)
    : heads_(heads),
      temperature_(register_parameter("temperature", at::ones({heads, 1, 1}))),
      qkv_(register_module("qkv", torch::nn::Linear(channels, 3 * channels))),
      proj_(register_module("proj", torch::nn::Linear(channels, channels))) {}

at::Tensor CrossCovarianceAttention::forward(const at::Tensor& tokens) {
  const std::int64_t batch = tokens.size(0);
  const std::int64_t pixels = tokens.size(1);
  const std::int64_t channels = tokens.size(2);
  const at::Tensor qkv = qkv_->forward(tokens).view({batch, pixels, 3, heads_, channels / heads_});
  const std::vector<at::Tensor> parts = qkv.permute({2, 0, 3, 4, 1}).unbind(0);  // (batch, heads, depth, pixels)
  // The cosine of a query and a key is their product over their lengths: dividing the small matrix of products spares
  // passes over normalised queries and keys.
  constexpr double kEpsilon = 1e-12;
  const at::Tensor query_length = parts[0].norm(2, {-1}, true).clamp_min(kEpsilon);
  const at::Tensor key_length = parts[1].norm(2, {-1}, true).clamp_min(kEpsilon);
  const at::Tensor cosine = parts[0].matmul(parts[1].mT()) / query_length / key_length.mT();
  const at::Tensor attention = (cosine * temperature_).softmax(-1);  // (batch, heads, depth, depth)
  const at::Tensor mixed = attention.matmul(parts[2]).permute({0, 3, 1, 2}).reshape({batch, pixels, channels});
  return proj_->forward(mixed);
}

ConvBlock::ConvBlock(std::int64_t channels, std::int64_t kernel_size, double drop_path, nn::LayerCounter& layers)
    : conv_dw_(register_module("conv_dw", depthwise(channels, kernel_size))),
      norm_(register_module("norm", layer_norm(channels))),
      mlp_(register_module("mlp", std::make_shared<Mlp>(channels))),
      gamma_(register_parameter("gamma", at::full({channels}, kFirstLayerScale))),
      drop_path_(register_module("drop_path", std::make_shared<nn::DropPath>(drop_path, layers.next()))) {}

at::Tensor ConvBlock::forward(const at::Tensor& features) {
  const at::Tensor branch = mlp_->forward(norm_->forward(to_channels_last_view(conv_dw_->forward(features))));
  return to_channels_first_view(drop_path_->add_branch(to_channels_last_view(features), branch, gamma_));
}

SplitTransposeBlock::SplitTransposeBlock(const Options& options, nn::LayerCounter& layers)
    : convs_(register_module("convs", torch::nn::ModuleList())),
      norm_xca_(register_module("norm_xca", layer_norm(options.channels))),
      gamma_xca_(register_parameter("gamma_xca", at::full({options.channels}, kFirstLayerScale))),
      xca_(register_module("xca", std::make_shared<CrossCovarianceAttention>(options.channels, options.heads))),
      drop_attention_(
          register_module("drop_attention", std::make_shared<nn::DropPath>(options.drop_path, layers.next()))),
      norm_(register_module("norm", layer_norm(options.channels))),
      mlp_(register_module("mlp", std::make_shared<Mlp>(options.channels))),
      gamma_(register_parameter("gamma", at::full({options.channels}, kFirstLayerScale))),
      drop_path_(register_module("drop_path", std::make_shared<nn::DropPath>(options.drop_path, layers.next()))) {
  constexpr std::int64_t kKernelSize = 3;
  const std::int64_t group = (options.channels + options.scales - 1) / options.scales;
  for (std::int64_t scale = 0; scale + 1 < options.scales; ++scale) {
    convs_->push_back(depthwise(group, kKernelSize));
  }
  if (options.positional_encoding) {
    pos_embd_ = register_module("pos_embd", std::make_shared<PositionalEncoding>(options.channels));
  }
}

at::Tensor SplitTransposeBlock::convolve_in_cascade(const at::Tensor& features) {
  std::vector<at::Tensor> groups = features.chunk(static_cast<std::int64_t>(convs_->size()) + 1, 1);
  for (std::size_t i = 0; i < convs_->size(); ++i) {
    const at::Tensor input = i == 0 ? groups[0] : groups[i - 1] + groups[i];
    groups[i] = convs_[i]->as<torch::nn::Conv2d>()->forward(input);
  }
  return at::cat(groups, 1);
}

at::Tensor SplitTransposeBlock::forward(const at::Tensor& features) {
  const at::Tensor shortcut = to_channels_last_view(features);  // (batch, height, width, channels)
  at::Tensor tokens = to_channels_last_view(convolve_in_cascade(features)).flatten(1, 2);  // (batch, pixels, channels)
  if (pos_embd_) {
    tokens = tokens + pos_embd_->forward(features.size(2), features.size(3));
  }
  tokens = drop_attention_->add_branch(tokens, xca_->forward(norm_xca_->forward(tokens)), gamma_xca_);
  const at::Tensor branch = mlp_->forward(norm_->forward(tokens)).view(shortcut.sizes());
  return to_channels_first_view(drop_path_->add_branch(shortcut, branch, gamma_));
}

}  // namespace lockstep::models
